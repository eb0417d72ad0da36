CREATE TABLE "sync_schedule" (
	"integration_id" uuid PRIMARY KEY NOT NULL,
	"choice" jsonb NOT NULL,
	"time_zone" text NOT NULL,
	"jitter_minutes" integer NOT NULL,
	"paused" boolean NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sync_schedule" ADD CONSTRAINT "sync_schedule_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;