// What a person can do to a queue. Each says before how many messages it concerns and which CLI line does the same;
// what it did is said by its job (jobs.svelte.ts). Nothing happens before the question has been answered.
import { api } from './api'
import { waiting } from './facts'
import { count, plural } from './format'
import { jobs } from './jobs.svelte'
import type { QueueFigures } from './types'

export interface Action {
  title: string
  text: string
  cli: string
  button: string
  danger: boolean
  run: () => Promise<void>
}

class Question {
  current = $state.raw<Action | null>(null)

  ask(action: Action) {
    this.current = action
  }

  close() {
    this.current = null
  }
}

export const question = new Question()

// An argument as a POSIX shell takes it.
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

const line = (verb: string, queue: string, more = '') => `pabal queue ${verb} ${shellWord(queue)}${more}`

export function pause(queue: QueueFigures): Action {
  const name = queue.name
  return {
    title: `Pause ${name}?`,
    text:
      `${plural(waiting(queue), 'waiting message')} and whatever comes will wait; none is lost. ` +
      `${plural(queue.leased, 'message')} in flight may still be finished.`,
    cli: line('pause', name), button: 'Pause', danger: false,
    run: () => jobs.simple(name, `Pausing ${name}`, () => api.pause(name), () => `${name} is paused.`),
  }
}

export function resume(queue: QueueFigures): Action {
  const name = queue.name
  return {
    title: `Resume ${name}?`,
    text: `${plural(waiting(queue), 'waiting message')} will be delivered again, the oldest first.`,
    cli: line('resume', name), button: 'Resume', danger: false,
    run: () => jobs.simple(name, `Resuming ${name}`, () => api.resume(name), () => `${name} delivers again.`),
  }
}

export function purge(queue: QueueFigures): Action {
  const name = queue.name
  const total = waiting(queue) + queue.delayed
  return {
    title: `Purge ${plural(total, 'message')} from ${name}?`,
    text:
      `${count(waiting(queue))} waiting and ${count(queue.delayed)} delayed will never be delivered to ${name}. This cannot be undone. ` +
      `What is in flight may still be finished; the topic, other queues and the dead letters keep what they have.`,
    cli: line('purge', name), button: `Purge ${count(total)}`, danger: true,
    run: () => jobs.simple(name, `Purging ${name}`, () => api.purge(name), (answer) => `${plural(answer.purged, 'message')} purged from ${name}.`),
  }
}

export function redriveAll(queue: { name: string; dead: number }): Action {
  return {
    title: `Redrive ${plural(queue.dead, 'dead letter')} of ${queue.name}?`,
    text: `${queue.dead === 1 ? 'It goes' : 'They go'} back to ${queue.name} and will be delivered again. It can be stopped at any time; nothing is lost or doubled by stopping.`,
    cli: line('redrive', queue.name, ' --all'), button: `Redrive ${count(queue.dead)}`, danger: false,
    run: () => jobs.redrive(queue.name, { all: true }, queue.dead),
  }
}

export function redriveSome(queue: string, ids: string[]): Action {
  return {
    title: `Redrive ${plural(ids.length, 'dead letter')} of ${queue}?`,
    text: `${ids.length === 1 ? 'It goes' : 'They go'} back to ${queue} and will be delivered again.`,
    cli: line('redrive', queue, ids.map((id) => ` --id ${shellWord(id)}`).join('')), button: `Redrive ${count(ids.length)}`, danger: false,
    run: () => jobs.redrive(queue, { ids }, ids.length),
  }
}
