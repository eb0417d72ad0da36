ALTER TABLE "process_step" ADD COLUMN "accepted" jsonb;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD COLUMN "incomplete" jsonb;--> statement-breakpoint
ALTER TABLE "psa_refresh" ADD COLUMN "incomplete" jsonb;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "incomplete" jsonb;