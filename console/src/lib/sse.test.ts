import { expect, test } from 'vitest'
import { EventParser } from './sse'

const STREAM = ': hello\n\nevent: overview\ndata: {"a":\ndata: 1}\n\n\r\nevent: other\r\ndata:x\r\n\r\ndata: lonely\n\n'

test('events come out the same however the text is cut', () => {
  const whole = new EventParser().feed(STREAM)
  expect(whole).toEqual([
    { event: 'overview', data: '{"a":\n1}' },
    { event: 'other', data: 'x' },
    { event: 'message', data: 'lonely' },
  ])
  for (let size = 1; size < STREAM.length; ++size) {
    const parser = new EventParser()
    const events = []
    for (let at = 0; at < STREAM.length; at += size) events.push(...parser.feed(STREAM.slice(at, at + size)))
    expect(events).toEqual(whole)
  }
})

test('an event that is not finished is not given', () => {
  expect(new EventParser().feed('event: overview\ndata: half')).toEqual([])
})
