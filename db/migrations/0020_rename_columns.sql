ALTER TABLE "agreement_line" ADD COLUMN "written_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "alert" RENAME COLUMN "telling" TO "delivering_revision";--> statement-breakpoint
ALTER TABLE "alert" RENAME COLUMN "told" TO "delivered_revision";--> statement-breakpoint
ALTER TABLE "alert" RENAME COLUMN "told_at" TO "delivered_at";--> statement-breakpoint
ALTER TABLE "alert" RENAME COLUMN "looks" TO "attempts";--> statement-breakpoint
ALTER TABLE "call_budget" RENAME TO "rate_limit";
