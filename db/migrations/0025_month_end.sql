ALTER TABLE "approval_line" ADD COLUMN "amount" double precision;--> statement-breakpoint
ALTER TABLE "approval_line" ADD COLUMN "currency" text;--> statement-breakpoint
ALTER TABLE "approval_line" ADD COLUMN "not_billed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "differs_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "approval_skipped" ADD COLUMN "psa_account_id" text;--> statement-breakpoint
ALTER TABLE "approval_skipped" ADD COLUMN "psa_product_id" text;--> statement-breakpoint
CREATE INDEX "audit_organization_id_at_index" ON "audit" USING btree ("organization_id","at");--> statement-breakpoint
CREATE INDEX "approval_line_psa_account_id_psa_product_id_index" ON "approval_line" USING btree ("psa_account_id","psa_product_id");--> statement-breakpoint
CREATE INDEX "card_differs" ON "card" USING btree ("organization_id","psa_connection_id","psa_account_id") WHERE kind <> 'no_change';--> statement-breakpoint
CREATE INDEX "approval_skipped_psa_account_id_psa_product_id_index" ON "approval_skipped" USING btree ("psa_account_id","psa_product_id");
--> statement-breakpoint
-- Since when a card differs was not stored before: it has differed at least since it was last computed anew.
UPDATE "card" SET "differs_since" = "changed_at" WHERE "kind" <> 'no_change';--> statement-breakpoint
-- What earlier approvals changed, at the price that the line has now; it stays unknown where the line is gone.
UPDATE "approval_line" l SET
  "amount" = CASE WHEN p."billing" = 'billable'
    THEN round(((greatest(l."target" - p."included_quantity", 0) - greatest(l."expected_quantity" - p."included_quantity", 0)) * p."unit_price")::numeric, 4)
    ELSE 0 END,
  "currency" = a."currency",
  "not_billed" = p."billing" <> 'billable'
FROM "approval_batch" b, "agreement_line" p, "agreement" a
WHERE b."id" = l."batch_id" AND (p."psa_connection_id", p."id") = (b."psa_connection_id", l."line_id")
  AND (a."psa_connection_id", a."id") = (p."psa_connection_id", p."agreement_id");--> statement-breakpoint
UPDATE "approval_skipped" s SET "psa_account_id" = c."psa_account_id", "psa_product_id" = c."psa_product_id"
FROM "card" c WHERE c."id" = s."card_id";
