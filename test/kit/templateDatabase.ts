/** The database that is migrated once and copied for each test file. In a file of its own, so that tests do not load the setup's imports. */
export const templateDatabase = 'countersign_template';
