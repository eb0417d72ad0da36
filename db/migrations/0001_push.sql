CREATE TABLE "integration_key" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"key_hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	"last_used_at" timestamp with time zone,
	CONSTRAINT "integration_key_key_hash_unique" UNIQUE("key_hash")
);
--> statement-breakpoint
CREATE TABLE "pushed_count" (
	"integration_id" uuid NOT NULL,
	"vendor_account_id" text NOT NULL,
	"service_id" text NOT NULL,
	"quantity" double precision NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"build" boolean NOT NULL,
	"run_id" uuid,
	CONSTRAINT "pushed_count_integration_id_vendor_account_id_service_id_pk" PRIMARY KEY("integration_id","vendor_account_id","service_id")
);
--> statement-breakpoint
ALTER TABLE "integration" ADD COLUMN "push_status" text DEFAULT 'inactive' NOT NULL;--> statement-breakpoint
ALTER TABLE "integration" ADD COLUMN "vendor_profile" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "category" text;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "subcategory" text;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "support_article" text;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "support_contact" text;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "dynamic" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "is_active" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "service" ADD COLUMN "is_arrears" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "description" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "is_active" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "is_arrears" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "integration_key" ADD CONSTRAINT "integration_key_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "pushed_count" ADD CONSTRAINT "pushed_count_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "integration_key_integration_id_created_at_index" ON "integration_key" USING btree ("integration_id","created_at");--> statement-breakpoint
CREATE INDEX "pushed_count_open" ON "pushed_count" USING btree ("integration_id","received_at") WHERE run_id is null;--> statement-breakpoint
CREATE UNIQUE INDEX "sync_request_open_push" ON "sync_request" USING btree ("integration_id") WHERE kind = 'push' and run_id is null;