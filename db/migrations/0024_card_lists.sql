-- An extension of PostgreSQL's own, which the owner of a database may create.
CREATE EXTENSION IF NOT EXISTS pg_trgm;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "state" text DEFAULT 'agrees' NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "account_name" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "product_name" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "search" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "integration_ids" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "found" text;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "currency" text;--> statement-breakpoint
ALTER TABLE "card" ADD COLUMN "amount" numeric(20, 4);--> statement-breakpoint
CREATE INDEX "approval_line_card_id_index" ON "approval_line" USING btree ("card_id");--> statement-breakpoint
CREATE INDEX "card_organization_id_account_name_product_name_id_index" ON "card" USING btree ("organization_id","account_name","product_name","id");--> statement-breakpoint
CREATE INDEX "card_organization_id_product_name_account_name_id_index" ON "card" USING btree ("organization_id","product_name","account_name","id");--> statement-breakpoint
CREATE INDEX "card_by_difference" ON "card" USING btree ("organization_id",(-coalesce(abs(difference), -1)),"id");--> statement-breakpoint
CREATE INDEX "card_by_amount" ON "card" USING btree ("organization_id",(-coalesce(abs(amount), -1)),"id");--> statement-breakpoint
CREATE INDEX "card_search" ON "card" USING gin ("search" gin_trgm_ops);--> statement-breakpoint
CREATE INDEX "card_organization_id_dismissed_state_index" ON "card" USING btree ("organization_id","dismissed","state");--> statement-breakpoint
CREATE INDEX "card_found" ON "card" USING btree ("organization_id","found","currency","amount","psa_account_id") WHERE found is not null and not dismissed;--> statement-breakpoint
-- For the cards that are there. The next reading of the PSA computes each anew.
UPDATE "card" c
   SET "account_name" = left(a.name, 200),
       "product_name" = left(coalesce(p.product_id, c.psa_product_id), 200),
       "search" = lower(left(concat_ws(' ', a.name, p.product_id, p.name), 600)),
       "state" = CASE
         WHEN c.flags && ARRAY['needs_rule', 'needs_choice'] THEN 'needs_choice'
         WHEN c.usage IS NULL THEN 'never_reported'
         WHEN c.kind = 'no_change' THEN 'agrees'
         WHEN 'not_writable' = ANY (c.flags) THEN 'not_writable'
         WHEN c.flags && ARRAY['no_longer_reported', 'incomplete'] THEN 'data_changed'
         WHEN c.bulk_approvable THEN 'ready'
         ELSE 'check_first' END,
       "integration_ids" = ARRAY(
         SELECT m.integration_id FROM service_mapping m JOIN integration i ON i.id = m.integration_id
          WHERE i.psa_connection_id = c.psa_connection_id AND i.disconnected_at IS NULL AND c.psa_product_id = ANY (m.product_ids)
          GROUP BY 1),
       "found" = CASE
         WHEN c.kind = 'only_credits' THEN 'only_credits'
         WHEN c.kind = 'new_revenue' THEN 'no_line'
         WHEN c.kind = 'no_change' THEN NULL
         WHEN c.detail #>> '{write,line,monthly}' = 'false' THEN 'annual'
         WHEN c.detail #>> '{money,0,notBilled}' = 'true' THEN 'not_billed'
         WHEN c.bulk_approvable THEN 'confirmed'
         ELSE 'check' END,
       "currency" = c.detail #>> '{money,0,currency}',
       "amount" = (c.detail #>> '{money,0,amount}')::numeric
  FROM "card" d
  JOIN psa_account a ON (a.psa_connection_id, a.id) = (d.psa_connection_id, d.psa_account_id)
  LEFT JOIN psa_product p ON (p.psa_connection_id, p.id) = (d.psa_connection_id, d.psa_product_id)
 WHERE d.id = c.id;
