DROP INDEX "alert_board_refused";--> statement-breakpoint
CREATE INDEX "alert_refused_for_all" ON "alert" USING btree ("integration_id") WHERE state = 'dead' and reason ->> 'of' is not null;