// Figures as people read them. Every function answers the same width class for the same kind of value, so that a
// changing figure does not move its neighbours; what is not known is an en dash.

export const UNKNOWN = '–'

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 })

type Maybe = number | null | undefined

function known(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

export function count(value: Maybe): string {
  return known(value) ? whole.format(value) : UNKNOWN
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

export function rate(value: Maybe): string {
  if (!known(value)) return UNKNOWN
  return value === 0 || value >= 9.95 ? whole.format(value) : value < 0.05 ? '<0.1' : tenths.format(value)
}

export function milliseconds(value: Maybe): string {
  if (!known(value)) return UNKNOWN
  if (value < 0.05) return value === 0 ? '0 ms' : '<0.1 ms'
  if (value < 9.95) return `${tenths.format(value)} ms`
  return value < 999.5 ? `${whole.format(value)} ms` : seconds(value / 1000)
}

export function seconds(value: Maybe): string {
  if (!known(value)) return UNKNOWN
  if (value < 0.05) return value <= 0 ? '0 s' : '<0.1 s'
  if (value < 9.95) return `${tenths.format(value)} s`
  if (value < 120) return `${whole.format(value)} s`
  if (value < 7200) return `${whole.format(Math.floor(value / 60))} min`
  return value < 172_800 ? `${whole.format(Math.floor(value / 3600))} h` : `${whole.format(Math.floor(value / 86_400))} d`
}

export function bytes(value: Maybe): string {
  if (!known(value)) return UNKNOWN
  if (value < 1024) return `${whole.format(value)} B`
  let size = value
  let unit = 0
  while (size >= 1024 && unit < 5) {
    size /= 1024
    unit += 1
  }
  return `${size < 9.95 ? tenths.format(size) : whole.format(size)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][unit]}`
}

// Milliseconds since 1970 with the fraction that Date would cut off: traces need microseconds.
export function instant(rfc3339: string | null | undefined): number {
  if (!rfc3339) return NaN
  const fraction = /\.(\d+)/.exec(rfc3339)
  if (!fraction) return Date.parse(rfc3339)
  const base = Date.parse(rfc3339.replace(/\.\d+/, ''))
  return base + Number(`0.${fraction[1]}`) * 1000
}

const sameDayClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const otherDay = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit',
})

// The time of day here; with the day when that is not today.
export function clock(rfc3339: string | null | undefined, now = Date.now()): string {
  const at = instant(rfc3339)
  if (Number.isNaN(at)) return UNKNOWN
  const today = new Date(at).toDateString() === new Date(now).toDateString()
  return (today ? sameDayClock : otherDay).format(at)
}

// "+12.5 ms", "+3.02 s", "+6 min 30 s" after the start of something.
export function offset(ms: number): string {
  if (ms < 0.05) return '0'
  if (ms < 1000) return `+${milliseconds(ms)}`
  if (ms < 60_000) return `+${(ms / 1000).toFixed(2)} s`
  return `+${span(ms / 1000)}`
}

// A length of time in two units: "6 min 30 s".
export function span(s: number): string {
  if (s < 120) return seconds(s)
  const units: [string, number][] = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]]
  const first = units.findIndex(([, size]) => s >= size)
  const [name, size] = units[first]!
  const rest = units[first + 1]
  const major = Math.floor(s / size)
  const minor = rest ? Math.floor((s - major * size) / rest[1]) : 0
  return `${count(major)} ${name}${minor && rest ? ` ${minor} ${rest[0]}` : ''}`
}

export function ageSince(rfc3339: string | null | undefined, now: number): number | null {
  const at = instant(rfc3339)
  return Number.isNaN(at) ? null : Math.max(0, (now - at) / 1000)
}
