ALTER TABLE "api_token" ADD COLUMN "created_by" text;--> statement-breakpoint
ALTER TABLE "api_token" ADD COLUMN "expires_at" timestamp with time zone;