-- Cards that were computed before a search was compared in one form (NFC): a search has to find them, too.
UPDATE "card" SET "search" = normalize("search", NFC) WHERE "search" IS NOT NFC NORMALIZED;
