ALTER TABLE "approval_line" ADD COLUMN "locked_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "approval_line" ADD COLUMN "not_before" timestamp with time zone;