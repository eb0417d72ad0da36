CREATE TABLE "refused_post" (
	"integration_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"vendor_account_id" text NOT NULL,
	"service_id" text NOT NULL,
	"code" text NOT NULL,
	"detail" text NOT NULL,
	"first_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_at" timestamp with time zone DEFAULT now() NOT NULL,
	"times" bigint NOT NULL,
	CONSTRAINT "refused_post_integration_id_kind_vendor_account_id_service_id_pk" PRIMARY KEY("integration_id","kind","vendor_account_id","service_id")
);
--> statement-breakpoint
CREATE TABLE "refused_total" (
	"integration_id" uuid PRIMARY KEY NOT NULL,
	"times" bigint NOT NULL,
	"forgotten" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX "refused_post_latest" ON "refused_post" USING btree ("integration_id","last_at");--> statement-breakpoint
CREATE INDEX "service_given" ON "service" USING btree ("integration_id",('svc_' || md5("id")));--> statement-breakpoint
-- The statement of db/queries/push.ts that keeps counts: a function, because its plan is then kept in the server's session, which
-- a named statement of ours would not survive behind a transaction pooler; planned anew each time it took twice as long. An api
-- of the version before goes on with its own statement; a change makes a function of another name.
CREATE FUNCTION "accept_counts"(text, text, jsonb)
RETURNS TABLE ("key_id" uuid, "stale" boolean, "id" uuid, "organization_id" uuid, "push_status" text, "account_known" boolean,
               "service_id" text, "psa_account_id" text, "service_mapped" boolean, "refused_before" boolean, "asked" boolean)
LANGUAGE plpgsql AS $function$
#variable_conflict use_column
BEGIN
RETURN QUERY
  with given as (
    select * from rows from (jsonb_to_recordset($3)
                             as ("accountId" text, "serviceId" text, others text[], posted text, quantity float8, build boolean))
                  with ordinality as g (account_id, posted_id, others, posted, quantity, build, n)),
  caller as (
    select k.id as key_id, coalesce(k.last_used_at < now() - interval '1 minute', true) as stale,
           i.id, i.organization_id, i.push_status,
           exists (select from refused_post r where r.integration_id = i.id and r.kind = 'count') as refused
      from integration_key k join integration i on i.id = k.integration_id
     where k.key_hash = $1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
       and i.disconnected_at is null and i.vendor = any(string_to_array($2, ','))),
  -- `limit 1` has PostgreSQL look each one up, however large the tables.
  known as (
    select c.id, g.*, a.there as account, s.id as service_id, am.psa_account_id, sm.there as service_mapped, r.there as refused_before
      from caller c cross join given g
      left join lateral (select true as there from vendor_account a
                          where a.integration_id = c.id and a.id = g.account_id limit 1) a on true
      -- By its id, else by the id that we gave it; with other readings of the address only if none of them is another one.
      cross join lateral (select coalesce(
        (select s.id from service s where s.integration_id = c.id and s.id = g.posted_id),
        (select s.id from service s where s.integration_id = c.id and 'svc_' || md5(s.id) = g.posted_id limit 1)) as id) found
      left join lateral (select found.id
                          where g.others is null or not exists (
                            select from service o
                             where o.integration_id = c.id and o.id <> found.id
                               and (o.id = any(g.others) or 'svc_' || md5(o.id) = any(g.others) or o.name = any(g.others)))
                          limit 1) s on true
      left join lateral (select m.psa_account_id from account_mapping m
                          where m.integration_id = c.id and m.vendor_account_id = g.account_id limit 1) am on true
      left join lateral (select true as there from service_mapping m
                          where m.integration_id = c.id and m.service_id = s.id limit 1) sm on true
      left join lateral (select true as there from refused_post r
                          where c.refused and r.integration_id = c.id and r.kind = 'count'
                            and r.vendor_account_id = g.account_id and r.service_id = coalesce(g.posted, g.posted_id) limit 1) r on true),
  kept as (
    insert into pushed_count as p (integration_id, vendor_account_id, service_id, quantity, received_at, build)
    select id, account_id, service_id, (array_agg(quantity order by n desc))[1], clock_timestamp(), bool_or(build)
      from known where account and service_id is not null
     group by id, account_id, service_id
     order by account_id, service_id -- Whoever writes several writes them in this order, so that no two wait for each other.
    on conflict (integration_id, vendor_account_id, service_id) do update
       set quantity = excluded.quantity, received_at = excluded.received_at, run_id = null,
           build = excluded.build or (p.run_id is null and p.build)
    returning 1),
  -- Held until this commits: a run that takes the request now will see the numbers. One that has taken it is not seen.
  open as (
    select r.id from sync_request r
     where r.integration_id = (select id from caller) and r.kind = 'push' and r.run_id is null for share)
  select c.key_id, c.stale, c.id, c.organization_id, c.push_status, k.account, k.service_id, k.psa_account_id, k.service_mapped,
         k.refused_before, exists (select from open)
    from caller c join known k using (id) order by k.n;
END $function$;
