export * from './organization.ts';
export * from './audit.ts';
export * from './process.ts';
export * from './psaConnection.ts';
export * from './psa.ts';
export * from './integration.ts';
export * from './sync.ts';
export * from './card.ts';
