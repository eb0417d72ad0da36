-- Cards that were computed by the rules before fit the contract of the API, and none of them is approved in bulk, until the
-- next read of the PSA computes them anew.
UPDATE "card" SET "bulk_approvable" = false, "detail" = "detail" || jsonb_build_object(
  'bulkApprovable', false,
  'lines', (
    SELECT coalesce(jsonb_agg('{"effectiveFrom": null, "effectiveTo": null, "succeeds": []}'::jsonb || line || jsonb_build_object('readOn', line -> 'asOf')), '[]')
      FROM jsonb_array_elements("detail" -> 'lines') line),
  'leftOut', (
    SELECT coalesce(jsonb_agg('{"agreementName": "", "unitPrice": 0, "currency": null, "effectiveFrom": null, "effectiveTo": null}'::jsonb || line || jsonb_build_object('words', line -> 'reason')), '[]')
      FROM jsonb_array_elements("detail" -> 'leftOut') line)
);
