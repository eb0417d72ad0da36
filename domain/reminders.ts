/** When somebody is reminded of a new customer that nobody has mapped, and when that becomes a problem. Pure. */

/** What a person chose for an integration, in minutes. */
export interface ChosenReminders {
  /** From one reminder to the next, and from when the customer was found to the first. */
  everyMinutes: number;
  /** From when the customer was found until its missing mapping is reported as a problem. */
  escalateAfterMinutes: number;
}

/** The same in milliseconds, as processes count them. */
export interface ReminderTimes {
  remindMs: number;
  escalateMs: number;
}

const minuteMs = 60_000;

/** @param environment the settings of the installation, which hold where nobody has chosen */
export function reminderTimesOf(
  { reminders }: { reminders: ChosenReminders | null },
  environment: { ONBOARDING_REMIND_MS: number; ONBOARDING_ESCALATE_MS: number },
): ReminderTimes {
  return reminders
    ? { remindMs: reminders.everyMinutes * minuteMs, escalateMs: reminders.escalateAfterMinutes * minuteMs }
    : { remindMs: environment.ONBOARDING_REMIND_MS, escalateMs: environment.ONBOARDING_ESCALATE_MS };
}

/** The times as a person chooses them. */
export const inMinutes = ({ remindMs, escalateMs }: ReminderTimes): ChosenReminders => ({
  everyMinutes: remindMs / minuteMs,
  escalateAfterMinutes: escalateMs / minuteMs,
});
