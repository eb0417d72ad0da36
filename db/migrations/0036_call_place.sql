CREATE TABLE "call_place" (
	"connection" text NOT NULL,
	"place" integer NOT NULL,
	"until" timestamp with time zone NOT NULL,
	CONSTRAINT "call_place_connection_place_pk" PRIMARY KEY("connection","place")
);
