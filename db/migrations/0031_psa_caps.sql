ALTER TABLE "psa_connection" ADD COLUMN "caps" jsonb;--> statement-breakpoint
ALTER TABLE "agreement_line" ADD COLUMN "not_writable" text;