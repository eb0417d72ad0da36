CREATE TABLE "kept_answer" (
	"kind" text NOT NULL,
	"id" text NOT NULL,
	"round" text NOT NULL,
	"step" text NOT NULL,
	"question" text NOT NULL,
	"part" text NOT NULL,
	"status" integer NOT NULL,
	"headers" jsonb NOT NULL,
	"text" text,
	"kept_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "kept_answer_kind_id_round_step_question_pk" PRIMARY KEY("kind","id","round","step","question")
);
