DROP INDEX "card_by_amount";--> statement-breakpoint
DROP INDEX "card_over_by_amount";--> statement-breakpoint
DROP INDEX "card_under_by_amount";--> statement-breakpoint
CREATE INDEX "card_by_money" ON "card" USING btree ("organization_id",(case when state = 'agrees' then 3 when amount is null then 1 when amount = 0 then 2 else -abs(amount) end),(-coalesce(abs(difference), -1)),"id");--> statement-breakpoint
CREATE INDEX "card_over_by_money" ON "card" USING btree ("organization_id",(case when state = 'agrees' then 3 when amount is null then 1 when amount = 0 then 2 else -abs(amount) end),(-coalesce(abs(difference), -1)),"id") WHERE difference < 0;--> statement-breakpoint
CREATE INDEX "card_under_by_money" ON "card" USING btree ("organization_id",(case when state = 'agrees' then 3 when amount is null then 1 when amount = 0 then 2 else -abs(amount) end),(-coalesce(abs(difference), -1)),"id") WHERE difference > 0;