CREATE TABLE "sweep" (
	"id" text PRIMARY KEY DEFAULT 'sweep' NOT NULL,
	"sweeper" text NOT NULL,
	"swept_at" timestamp with time zone,
	"woken" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "paused_activity" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"activity" text NOT NULL,
	"paused_at" timestamp with time zone NOT NULL,
	CONSTRAINT "paused_activity_kind_id_activity_pk" PRIMARY KEY("kind","id","activity")
);
--> statement-breakpoint
CREATE TABLE "temporal_schedule" (
	"schedule_id" text PRIMARY KEY NOT NULL,
	"integration_id" uuid,
	"revision" text,
	"paused" boolean NOT NULL,
	"paused_since" timestamp with time zone,
	"next_runs" jsonb NOT NULL
);
--> statement-breakpoint
-- Who waits for a person was parked for ever, so that its workflow, when terminated, did not come back.
UPDATE "process" p SET "due_at" = now() + interval '24 hours'
 WHERE p."due_at" IS NULL
   AND EXISTS (SELECT FROM "process_step" s
                WHERE (s."kind", s."id", s."round") = (p."kind", p."id", p."round") AND s."state" NOT IN ('done', 'skipped'));
