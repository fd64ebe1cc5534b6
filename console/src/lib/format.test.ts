import { expect, test } from 'vitest'
import { ageSince, bytes, clock, count, instant, milliseconds, offset, plural, rate, seconds, span } from './format'

test('counts have separators and unknown ones a dash', () => {
  expect(count(11904)).toBe('11,904')
  expect(count(0)).toBe('0')
  expect(count(undefined)).toBe('–')
  expect(count(NaN)).toBe('–')
  expect(plural(1, 'message')).toBe('1 message')
  expect(plural(1200, 'message')).toBe('1,200 messages')
})

test('rates keep a tenth only where it counts', () => {
  expect(rate(0)).toBe('0')
  expect(rate(0.01)).toBe('<0.1')
  expect(rate(3.24)).toBe('3.2')
  expect(rate(9.97)).toBe('10')
  expect(rate(1248.4)).toBe('1,248')
  expect(rate(null)).toBe('–')
})

test('durations choose their unit', () => {
  expect(milliseconds(0.3)).toBe('0.3 ms')
  expect(milliseconds(0.01)).toBe('<0.1 ms')
  expect(milliseconds(11)).toBe('11 ms')
  expect(milliseconds(1500)).toBe('1.5 s')
  expect(seconds(38)).toBe('38 s')
  expect(seconds(0.14)).toBe('0.1 s')
  expect(seconds(150)).toBe('2 min')
  expect(seconds(7300)).toBe('2 h')
  expect(seconds(300_000)).toBe('3 d')
  expect(span(402)).toBe('6 min 42 s')
  expect(span(3600)).toBe('1 h')
  expect(offset(0)).toBe('0')
  expect(offset(12.5)).toBe('+13 ms')
  expect(offset(3032)).toBe('+3.03 s')
  expect(offset(390_400)).toBe('+6 min 30 s')
})

test('bytes are binary units', () => {
  expect(bytes(999)).toBe('999 B')
  expect(bytes(1536)).toBe('1.5 KiB')
  expect(bytes(48 * 1024 ** 3)).toBe('48 GiB')
})

test('instants keep microseconds and offsets', () => {
  expect(instant('2026-11-20T09:00:00.000250Z') % 1000).toBeCloseTo(0.25, 3)
  expect(instant('2026-11-20T18:00:00.5+09:00')).toBe(Date.UTC(2026, 10, 20, 9, 0, 0, 500))
  expect(instant(null)).toBeNaN()
})

test('a clock shows the day only when it is another one', () => {
  const now = new Date(2026, 10, 20, 14, 7, 31)
  expect(clock(now.toISOString(), now.getTime())).toBe('14:07:31')
  expect(clock(new Date(2026, 10, 19, 8, 0, 1).toISOString(), now.getTime())).toContain('19 Nov')
  expect(clock('not a time')).toBe('–')
  expect(ageSince('2026-11-20T09:00:00Z', Date.UTC(2026, 10, 20, 9, 0, 42))).toBe(42)
})
