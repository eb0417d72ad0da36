ALTER TABLE "psa_refresh" ADD COLUMN "guard" jsonb;--> statement-breakpoint
ALTER TABLE "psa_refresh" ADD COLUMN "held_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "psa_refresh" ADD COLUMN "released_by" text;