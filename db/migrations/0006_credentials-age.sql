ALTER TABLE "psa_connection" ADD COLUMN "credentials_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD COLUMN "credentials_expire_on" date;--> statement-breakpoint
ALTER TABLE "integration" ADD COLUMN "credentials_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "integration" ADD COLUMN "credentials_expire_on" date;--> statement-breakpoint
UPDATE "integration" SET "credentials_at" = now() WHERE "credentials" IS NOT NULL;
