-- What a new connection to ConnectWise begins with: two decimals of a quantity, where nobody said otherwise.
UPDATE "psa_connection" SET "settings" = '{"quantityDecimals": 2}'::jsonb || "settings" WHERE "kind" = 'connectwise';
