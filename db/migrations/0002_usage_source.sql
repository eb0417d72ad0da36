ALTER TABLE "usage_count" ADD COLUMN "source" text DEFAULT 'pull' NOT NULL;--> statement-breakpoint
UPDATE "usage_count" u SET "source" = 'push' FROM "integration" i WHERE i."id" = u."integration_id" AND i."intake" = 'push';
