/** Databases of tests are copies of this one, migrated once. By itself, or every test file would load what the setup needs. */
export const templateDatabase = 'countersign_template';
