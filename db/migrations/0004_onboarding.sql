CREATE TABLE "onboarding" (
	"integration_id" uuid NOT NULL,
	"vendor_account_id" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"state" text DEFAULT 'found' NOT NULL,
	"found_by" text NOT NULL,
	"found_at" timestamp with time zone DEFAULT now() NOT NULL,
	"to_wake" boolean DEFAULT false NOT NULL,
	"reminders" integer DEFAULT 0 NOT NULL,
	"reminded_at" timestamp with time zone,
	"escalated_at" timestamp with time zone,
	"ended_at" timestamp with time zone,
	CONSTRAINT "onboarding_integration_id_vendor_account_id_pk" PRIMARY KEY("integration_id","vendor_account_id")
);
--> statement-breakpoint
ALTER TABLE "process_step" ADD COLUMN "remind_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "moved_to" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "sync_run" ADD COLUMN "vendor_account_id" text;--> statement-breakpoint
ALTER TABLE "onboarding" ADD CONSTRAINT "onboarding_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "onboarding" ADD CONSTRAINT "onboarding_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "onboarding" ADD CONSTRAINT "onboarding_integration_id_vendor_account_id_vendor_account_integration_id_id_fk" FOREIGN KEY ("integration_id","vendor_account_id") REFERENCES "public"."vendor_account"("integration_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "onboarding_organization_id_found_at_index" ON "onboarding" USING btree ("organization_id","found_at");--> statement-breakpoint
CREATE INDEX "onboarding_to_start" ON "onboarding" USING btree ("integration_id") WHERE state = 'found' or to_wake;