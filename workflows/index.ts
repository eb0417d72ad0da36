export { connect } from './connect.ts';
export { refreshPsa } from './refreshPsa.ts';
export { sync } from './sync.ts';
export { approveUsage } from './approveUsage.ts';
export { migrateToAlerts } from './migrateToAlerts.ts';
export { deliverAlert } from './deliverAlert.ts';
export { onboardCustomer } from './onboardCustomer.ts';
export { startOnboardings } from './startOnboardings.ts';
export { requestSync, sweep } from './schedules.ts';
