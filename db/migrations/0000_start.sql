CREATE TABLE "api_token" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"name" text NOT NULL,
	"token_hash" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_token_token_hash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "idempotency_key" (
	"organization_id" uuid NOT NULL,
	"key" text NOT NULL,
	"route" text NOT NULL,
	"request_hash" text NOT NULL,
	"status" integer,
	"response" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_key_organization_id_key_pk" PRIMARY KEY("organization_id","key")
);
--> statement-breakpoint
CREATE TABLE "organization" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"organization_id" uuid NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject_kind" text NOT NULL,
	"subject_id" text NOT NULL,
	"before" jsonb,
	"after" jsonb
);
--> statement-breakpoint
CREATE TABLE "process" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"organization_id" uuid NOT NULL,
	"integration_id" uuid,
	"version" bigint DEFAULT 1 NOT NULL,
	"due_at" timestamp with time zone,
	"round" text DEFAULT '1' NOT NULL,
	"round_started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"sweeps" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "process_kind_id_pk" PRIMARY KEY("kind","id")
);
--> statement-breakpoint
CREATE TABLE "process_need" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"round" text NOT NULL,
	"step" text NOT NULL,
	"other_kind" text NOT NULL,
	"other_id" text NOT NULL,
	"not_before" timestamp with time zone NOT NULL,
	"satisfied_at" timestamp with time zone,
	CONSTRAINT "process_need_kind_id_round_step_pk" PRIMARY KEY("kind","id","round","step")
);
--> statement-breakpoint
CREATE TABLE "process_step" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"round" text NOT NULL,
	"step" text NOT NULL,
	"position" integer NOT NULL,
	"state" text NOT NULL,
	"problem" jsonb,
	"retry_at" timestamp with time zone,
	"not_before" timestamp with time zone,
	"failing_since" timestamp with time zone,
	"blocked_at" timestamp with time zone,
	"started_at" timestamp with time zone,
	"done_at" timestamp with time zone,
	CONSTRAINT "process_step_kind_id_round_step_pk" PRIMARY KEY("kind","id","round","step")
);
--> statement-breakpoint
CREATE TABLE "call_budget" (
	"connection" text PRIMARY KEY NOT NULL,
	"calls_per_second" double precision NOT NULL,
	"next_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "psa_connection" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"credentials" text NOT NULL,
	"writes_enabled" boolean DEFAULT false NOT NULL,
	"permissions" jsonb,
	"permissions_at" timestamp with time zone,
	"refreshed_at" timestamp with time zone,
	"refresh_requested_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "psa_refresh" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"psa_connection_id" uuid NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"attempt" integer DEFAULT 0 NOT NULL,
	"cursor" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"figures" jsonb
);
--> statement-breakpoint
CREATE TABLE "staging_row" (
	"run_id" uuid NOT NULL,
	"entity" text NOT NULL,
	"id" text NOT NULL,
	"data" jsonb NOT NULL,
	CONSTRAINT "staging_row_run_id_entity_id_pk" PRIMARY KEY("run_id","entity","id")
);
--> statement-breakpoint
CREATE TABLE "agreement" (
	"psa_connection_id" uuid NOT NULL,
	"id" text NOT NULL,
	"account_id" text NOT NULL,
	"name" text NOT NULL,
	"status" text NOT NULL,
	"next_invoice_date" date,
	"start_date" date,
	"end_date" date,
	"billing_cycle" text,
	"monthly" boolean NOT NULL,
	"never_billed" boolean NOT NULL,
	"currency" text,
	CONSTRAINT "agreement_psa_connection_id_id_pk" PRIMARY KEY("psa_connection_id","id")
);
--> statement-breakpoint
CREATE TABLE "agreement_line" (
	"psa_connection_id" uuid NOT NULL,
	"id" text NOT NULL,
	"agreement_id" text NOT NULL,
	"product_id" text NOT NULL,
	"description" text,
	"quantity" double precision NOT NULL,
	"included_quantity" double precision NOT NULL,
	"unit_price" double precision NOT NULL,
	"billing" text NOT NULL,
	"effective_from" date,
	"effective_to" date,
	"status" text NOT NULL,
	"version" text NOT NULL,
	CONSTRAINT "agreement_line_psa_connection_id_id_pk" PRIMARY KEY("psa_connection_id","id")
);
--> statement-breakpoint
CREATE TABLE "psa_account" (
	"psa_connection_id" uuid NOT NULL,
	"id" text NOT NULL,
	"code" text,
	"name" text NOT NULL,
	"active" boolean NOT NULL,
	"prospect" boolean NOT NULL,
	CONSTRAINT "psa_account_psa_connection_id_id_pk" PRIMARY KEY("psa_connection_id","id")
);
--> statement-breakpoint
CREATE TABLE "psa_board" (
	"psa_connection_id" uuid NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"project_board" boolean NOT NULL,
	"active" boolean NOT NULL,
	CONSTRAINT "psa_board_psa_connection_id_id_pk" PRIMARY KEY("psa_connection_id","id")
);
--> statement-breakpoint
CREATE TABLE "psa_product" (
	"psa_connection_id" uuid NOT NULL,
	"id" text NOT NULL,
	"product_id" text NOT NULL,
	"name" text NOT NULL,
	"active" boolean NOT NULL,
	"recurring" boolean,
	"usable_on_contract" boolean NOT NULL,
	CONSTRAINT "psa_product_psa_connection_id_id_pk" PRIMARY KEY("psa_connection_id","id")
);
--> statement-breakpoint
CREATE TABLE "account_mapping" (
	"integration_id" uuid NOT NULL,
	"vendor_account_id" text NOT NULL,
	"psa_account_id" text NOT NULL,
	"how" text NOT NULL,
	"mapped_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "account_mapping_integration_id_vendor_account_id_pk" PRIMARY KEY("integration_id","vendor_account_id")
);
--> statement-breakpoint
CREATE TABLE "integration" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"psa_connection_id" uuid NOT NULL,
	"vendor" text NOT NULL,
	"intake" text NOT NULL,
	"modules" text[] NOT NULL,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"credentials" text,
	"vendor_name" text,
	"disconnected_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "product_rule" (
	"psa_connection_id" uuid NOT NULL,
	"product_id" text NOT NULL,
	"combine" text NOT NULL,
	CONSTRAINT "product_rule_psa_connection_id_product_id_pk" PRIMARY KEY("psa_connection_id","product_id")
);
--> statement-breakpoint
CREATE TABLE "service" (
	"integration_id" uuid NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	CONSTRAINT "service_integration_id_id_pk" PRIMARY KEY("integration_id","id")
);
--> statement-breakpoint
CREATE TABLE "service_mapping" (
	"integration_id" uuid NOT NULL,
	"service_id" text NOT NULL,
	"product_ids" text[] NOT NULL,
	"fan_out" text DEFAULT 'parts' NOT NULL,
	"rounding" text DEFAULT 'none' NOT NULL,
	"mapped_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "service_mapping_integration_id_service_id_pk" PRIMARY KEY("integration_id","service_id")
);
--> statement-breakpoint
CREATE TABLE "usage_count" (
	"integration_id" uuid NOT NULL,
	"vendor_account_id" text NOT NULL,
	"service_id" text NOT NULL,
	"quantity" double precision,
	"parts" jsonb DEFAULT '[]' NOT NULL,
	"run_id" uuid,
	"as_of" timestamp with time zone NOT NULL,
	"swing" boolean DEFAULT false NOT NULL,
	"not_reported_since" timestamp with time zone,
	CONSTRAINT "usage_count_integration_id_vendor_account_id_service_id_pk" PRIMARY KEY("integration_id","vendor_account_id","service_id")
);
--> statement-breakpoint
CREATE TABLE "vendor_account" (
	"integration_id" uuid NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"linked" boolean DEFAULT false NOT NULL,
	"excluded" boolean DEFAULT false NOT NULL,
	"missing_since" timestamp with time zone,
	"user_types" jsonb,
	CONSTRAINT "vendor_account_integration_id_id_pk" PRIMARY KEY("integration_id","id")
);
--> statement-breakpoint
CREATE TABLE "sync_request" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"kind" text DEFAULT 'sync' NOT NULL,
	"release_run_id" uuid,
	"requested_by" text NOT NULL,
	"once_key" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"run_id" uuid
);
--> statement-breakpoint
CREATE TABLE "sync_run" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"integration_id" uuid NOT NULL,
	"state" text DEFAULT 'running' NOT NULL,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone,
	"attempt" integer DEFAULT 0 NOT NULL,
	"cursor" text,
	"figures" jsonb,
	"guard" jsonb
);
--> statement-breakpoint
CREATE TABLE "approval_batch" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"psa_connection_id" uuid NOT NULL,
	"state" text NOT NULL,
	"undo_of" uuid,
	"requested_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"closed_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "approval_line" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"batch_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"card_id" uuid NOT NULL,
	"psa_account_id" text NOT NULL,
	"psa_product_id" text NOT NULL,
	"agreement_id" text NOT NULL,
	"line_id" text NOT NULL,
	"expected_quantity" double precision NOT NULL,
	"expected_version" text,
	"target" double precision NOT NULL,
	"next_invoice_date" text,
	"state" text NOT NULL,
	"claims" integer DEFAULT 0 NOT NULL,
	"claimed_at" timestamp with time zone,
	"settled_at" timestamp with time zone,
	"problem" jsonb
);
--> statement-breakpoint
CREATE TABLE "card" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"psa_connection_id" uuid NOT NULL,
	"psa_account_id" text NOT NULL,
	"psa_product_id" text NOT NULL,
	"kind" text NOT NULL,
	"flags" text[] NOT NULL,
	"usage" double precision,
	"target" double precision,
	"current" double precision NOT NULL,
	"difference" double precision,
	"approvable" boolean NOT NULL,
	"bulk_approvable" boolean NOT NULL,
	"dismissed" boolean DEFAULT false NOT NULL,
	"detail" jsonb NOT NULL,
	"changed_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "card_psa_connection_id_psa_account_id_psa_product_id_unique" UNIQUE("psa_connection_id","psa_account_id","psa_product_id")
);
--> statement-breakpoint
CREATE TABLE "card_decision" (
	"psa_connection_id" uuid NOT NULL,
	"psa_account_id" text NOT NULL,
	"psa_product_id" text NOT NULL,
	"rule" jsonb,
	"line_id" text,
	"dismissal" jsonb,
	CONSTRAINT "card_decision_psa_connection_id_psa_account_id_psa_product_id_pk" PRIMARY KEY("psa_connection_id","psa_account_id","psa_product_id")
);
--> statement-breakpoint
ALTER TABLE "api_token" ADD CONSTRAINT "api_token_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "idempotency_key" ADD CONSTRAINT "idempotency_key_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit" ADD CONSTRAINT "audit_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "process" ADD CONSTRAINT "process_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "psa_connection" ADD CONSTRAINT "psa_connection_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "psa_refresh" ADD CONSTRAINT "psa_refresh_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement" ADD CONSTRAINT "agreement_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "agreement_line" ADD CONSTRAINT "agreement_line_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "psa_account" ADD CONSTRAINT "psa_account_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "psa_board" ADD CONSTRAINT "psa_board_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "psa_product" ADD CONSTRAINT "psa_product_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_mapping" ADD CONSTRAINT "account_mapping_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_mapping" ADD CONSTRAINT "account_mapping_integration_id_vendor_account_id_vendor_account_integration_id_id_fk" FOREIGN KEY ("integration_id","vendor_account_id") REFERENCES "public"."vendor_account"("integration_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "integration" ADD CONSTRAINT "integration_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "integration" ADD CONSTRAINT "integration_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "product_rule" ADD CONSTRAINT "product_rule_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "service" ADD CONSTRAINT "service_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "service_mapping" ADD CONSTRAINT "service_mapping_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_count" ADD CONSTRAINT "usage_count_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD CONSTRAINT "vendor_account_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_request" ADD CONSTRAINT "sync_request_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_request" ADD CONSTRAINT "sync_request_run_id_sync_run_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."sync_run"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sync_run" ADD CONSTRAINT "sync_run_integration_id_integration_id_fk" FOREIGN KEY ("integration_id") REFERENCES "public"."integration"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_batch" ADD CONSTRAINT "approval_batch_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_batch" ADD CONSTRAINT "approval_batch_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_line" ADD CONSTRAINT "approval_line_batch_id_approval_batch_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."approval_batch"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "card" ADD CONSTRAINT "card_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "card" ADD CONSTRAINT "card_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "card_decision" ADD CONSTRAINT "card_decision_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_token_organization_id_index" ON "api_token" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "idempotency_key_created_at_index" ON "idempotency_key" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "audit_organization_id_id_index" ON "audit" USING btree ("organization_id","id");--> statement-breakpoint
CREATE INDEX "audit_organization_id_subject_kind_subject_id_id_index" ON "audit" USING btree ("organization_id","subject_kind","subject_id","id");--> statement-breakpoint
CREATE INDEX "process_due" ON "process" USING btree ("due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "process_organization_id_index" ON "process" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "process_need_open" ON "process_need" USING btree ("other_kind","other_id") WHERE satisfied_at is null;--> statement-breakpoint
CREATE INDEX "psa_connection_organization_id_index" ON "psa_connection" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "psa_refresh_psa_connection_id_started_at_index" ON "psa_refresh" USING btree ("psa_connection_id","started_at");--> statement-breakpoint
CREATE INDEX "agreement_psa_connection_id_account_id_index" ON "agreement" USING btree ("psa_connection_id","account_id");--> statement-breakpoint
CREATE INDEX "agreement_line_psa_connection_id_agreement_id_index" ON "agreement_line" USING btree ("psa_connection_id","agreement_id");--> statement-breakpoint
CREATE INDEX "psa_account_psa_connection_id_name_id_index" ON "psa_account" USING btree ("psa_connection_id","name","id");--> statement-breakpoint
CREATE INDEX "psa_product_psa_connection_id_product_id_id_index" ON "psa_product" USING btree ("psa_connection_id","product_id","id");--> statement-breakpoint
CREATE INDEX "account_mapping_integration_id_psa_account_id_index" ON "account_mapping" USING btree ("integration_id","psa_account_id");--> statement-breakpoint
CREATE INDEX "integration_organization_id_index" ON "integration" USING btree ("organization_id");--> statement-breakpoint
CREATE INDEX "vendor_account_integration_id_name_id_index" ON "vendor_account" USING btree ("integration_id","name","id");--> statement-breakpoint
CREATE INDEX "sync_request_integration_id_created_at_index" ON "sync_request" USING btree ("integration_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "sync_request_integration_id_once_key_index" ON "sync_request" USING btree ("integration_id","once_key");--> statement-breakpoint
CREATE INDEX "sync_run_integration_id_started_at_index" ON "sync_run" USING btree ("integration_id","started_at");--> statement-breakpoint
CREATE INDEX "approval_batch_organization_id_created_at_index" ON "approval_batch" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE INDEX "approval_line_batch_id_position_index" ON "approval_line" USING btree ("batch_id","position");--> statement-breakpoint
CREATE INDEX "approval_line_card_id_index" ON "approval_line" USING btree ("card_id");--> statement-breakpoint
CREATE INDEX "card_organization_id_kind_id_index" ON "card" USING btree ("organization_id","kind","id");--> statement-breakpoint
CREATE INDEX "card_organization_id_id_index" ON "card" USING btree ("organization_id","id");