ALTER TABLE "call_budget" ADD COLUMN "paused_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "call_budget" ADD COLUMN "paused_why" text;