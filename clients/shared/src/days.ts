// Days are texts such as "2026-01-31" in the clinic's time zone, moments are texts with an offset.

const DAY = new Intl.DateTimeFormat("en-US", {dateStyle: "medium", timeZone: "UTC"});

/** A day as Americans write it: Jan 31, 2026. */
export function day(text: string): string {
  return DAY.format(new Date(`${text}T00:00:00Z`));
}

/** A moment in a time zone: Jan 31, 2026, 9:30 AM. */
export function moment(text: string, timeZone: string): string {
  return new Intl.DateTimeFormat("en-US", {dateStyle: "medium", timeStyle: "short", timeZone}).format(new Date(text));
}

/** The present day of a time zone. */
export function today(timeZone: string): string {
  // The Canadian form is that of the API.
  return new Intl.DateTimeFormat("en-CA", {dateStyle: "short", timeZone}).format(new Date());
}

// Farther away, a date says more than a number of days.
const NEAR_DAYS = 45;

/** How far away a day is, as words: today, 3 days ago, in 2 days; or the day itself. */
export function fromToday(text: string, now: string): string {
  const days = Math.round((Date.parse(text) - Date.parse(now)) / 86_400_000);
  if (Math.abs(days) > NEAR_DAYS) return day(text);
  return new Intl.RelativeTimeFormat("en-US", {numeric: "auto"}).format(days, "day");
}
