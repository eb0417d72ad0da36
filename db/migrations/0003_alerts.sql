CREATE TABLE "alert" (
	"id" uuid PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"integration_id" uuid NOT NULL,
	"alert_id" text NOT NULL,
	"source" text NOT NULL,
	"vendor_account_id" text NOT NULL,
	"service_id" text,
	"title" text NOT NULL,
	"description" text NOT NULL,
	"priority" integer NOT NULL,
	"status" integer NOT NULL,
	"due_at" timestamp with time zone,
	"revision" integer DEFAULT 1 NOT NULL,
	"content_revision" integer DEFAULT 1 NOT NULL,
	"first_received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"cleared_at" timestamp with time zone,
	"state" text NOT NULL,
	"reason" jsonb,
	"psa_account_id" text,
	"gathered_into" uuid,
	"admitted_at" timestamp with time zone,
	"telling" integer,
	"told" integer DEFAULT 0 NOT NULL,
	"told_at" timestamp with time zone,
	"occurrence" integer DEFAULT 1 NOT NULL,
	"reference" text NOT NULL,
	"ticket_id" text,
	"ticket_url" text,
	"previous_ticket_id" text,
	"post" text,
	"post_state" text,
	"claim_id" uuid,
	"claims" integer DEFAULT 0 NOT NULL,
	"claimed_at" timestamp with time zone,
	"looks" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "alert_reference_unique" UNIQUE("reference"),
	CONSTRAINT "alert_integration_id_alert_id_unique" UNIQUE("integration_id","alert_id")
);
--> statement-breakpoint
ALTER TABLE "process" ADD COLUMN "about" text;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD COLUMN "alert_permissions" jsonb;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD COLUMN "alert_permissions_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD COLUMN "ticket_options" jsonb;--> statement-breakpoint
ALTER TABLE "integration" ADD COLUMN "alerts" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "alert" ADD CONSTRAINT "alert_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "alert" ADD CONSTRAINT "alert_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "alert_organization_id_first_received_at_id_index" ON "alert" USING btree ("organization_id","first_received_at","id");--> statement-breakpoint
CREATE INDEX "alert_waiting" ON "alert" USING btree ("integration_id","received_at") WHERE state = 'waiting';--> statement-breakpoint
CREATE INDEX "alert_delivering" ON "alert" USING btree ("integration_id") WHERE state = 'delivering';--> statement-breakpoint
CREATE INDEX "alert_parked" ON "alert" USING btree ("integration_id","vendor_account_id") WHERE state = 'parked';--> statement-breakpoint
CREATE INDEX "alert_admitted" ON "alert" USING btree ("integration_id","psa_account_id","admitted_at");--> statement-breakpoint
CREATE INDEX "alert_gathered" ON "alert" USING btree ("gathered_into") WHERE gathered_into is not null;