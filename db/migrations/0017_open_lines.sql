DROP INDEX "approval_line_card_id_index";--> statement-breakpoint
DROP INDEX "approval_line_open";--> statement-breakpoint
CREATE INDEX "approval_line_open_card" ON "approval_line" USING btree ("card_id") WHERE state in ('intended', 'writing', 'uncertain', 'todo');--> statement-breakpoint
CREATE INDEX "approval_line_open_line" ON "approval_line" USING btree ("line_id") WHERE state in ('intended', 'writing', 'uncertain', 'todo');