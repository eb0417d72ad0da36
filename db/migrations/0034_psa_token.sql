CREATE TABLE "psa_token" (
	"psa_connection_id" uuid PRIMARY KEY NOT NULL,
	"token" text,
	"generation" uuid,
	"claimed_until" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "psa_token" ADD CONSTRAINT "psa_token_psa_connection_id_psa_connection_id_fk" FOREIGN KEY ("psa_connection_id") REFERENCES "public"."psa_connection"("id") ON DELETE no action ON UPDATE no action;