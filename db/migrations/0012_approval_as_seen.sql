CREATE TABLE "approval_preview" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"organization_id" uuid NOT NULL,
	"psa_connection_id" uuid NOT NULL,
	"filter" jsonb NOT NULL,
	"requested_by" text NOT NULL,
	"cards" integer DEFAULT 0 NOT NULL,
	"money" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"left_out" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"approval_id" uuid,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "approval_preview_line" (
	"preview_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"card_id" uuid NOT NULL,
	"psa_account_id" text NOT NULL,
	"psa_product_id" text NOT NULL,
	"agreement_id" text NOT NULL,
	"line_id" text NOT NULL,
	"from_quantity" double precision NOT NULL,
	"to_quantity" double precision NOT NULL,
	"effective_date" text,
	"currency" text,
	"amount" double precision NOT NULL,
	"not_billed" boolean NOT NULL,
	CONSTRAINT "approval_preview_line_preview_id_position_pk" PRIMARY KEY("preview_id","position")
);
--> statement-breakpoint
CREATE TABLE "approval_skipped" (
	"batch_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"card_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"words" text,
	"asked_line_id" text NOT NULL,
	"asked_from" double precision NOT NULL,
	"asked_to" double precision NOT NULL,
	"asked_date" text,
	"now_line_id" text,
	"now_from" double precision,
	"now_to" double precision,
	"now_date" text,
	CONSTRAINT "approval_skipped_batch_id_position_pk" PRIMARY KEY("batch_id","position")
);
--> statement-breakpoint
ALTER TABLE "approval_batch" ADD COLUMN "preview_id" uuid;--> statement-breakpoint
ALTER TABLE "approval_line" ADD COLUMN "replaced_by" uuid;--> statement-breakpoint
ALTER TABLE "approval_preview" ADD CONSTRAINT "approval_preview_organization_id_organization_id_fk" FOREIGN KEY ("organization_id") REFERENCES "public"."organization"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_preview" ADD CONSTRAINT "approval_preview_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_preview_line" ADD CONSTRAINT "approval_preview_line_preview_id_approval_preview_id_fk" FOREIGN KEY ("preview_id") REFERENCES "public"."approval_preview"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_skipped" ADD CONSTRAINT "approval_skipped_batch_id_approval_batch_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."approval_batch"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approval_preview_organization_id_created_at_index" ON "approval_preview" USING btree ("organization_id","created_at");--> statement-breakpoint
CREATE INDEX "approval_preview_expires_at_index" ON "approval_preview" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "approval_skipped_batch_id_reason_index" ON "approval_skipped" USING btree ("batch_id","reason");--> statement-breakpoint
CREATE INDEX "approval_line_batch_id_state_position_index" ON "approval_line" USING btree ("batch_id","state","position");--> statement-breakpoint
CREATE INDEX "approval_line_open" ON "approval_line" USING btree ("batch_id","line_id") WHERE state in ('intended', 'writing', 'uncertain', 'todo');