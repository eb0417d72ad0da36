CREATE TABLE "psa_unread" (
	"psa_connection_id" uuid NOT NULL,
	"entity" text NOT NULL,
	"id" text NOT NULL,
	"name" text,
	"account_id" text,
	"why" text NOT NULL,
	"since" timestamp with time zone NOT NULL,
	CONSTRAINT "psa_unread_psa_connection_id_entity_id_pk" PRIMARY KEY("psa_connection_id","entity","id")
);
--> statement-breakpoint
ALTER TABLE "agreement" ADD COLUMN "version" text;--> statement-breakpoint
ALTER TABLE "agreement" ADD COLUMN "lines_version" text;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "unread_since" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "vendor_account" ADD COLUMN "unread_why" text;--> statement-breakpoint
ALTER TABLE "psa_unread" ADD CONSTRAINT "psa_unread_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "psa_unread_psa_connection_id_account_id_index" ON "psa_unread" USING btree ("psa_connection_id","account_id");