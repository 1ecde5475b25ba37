/** The bell that a channel waits for. */
import { expect, it } from "vitest";
import { Bell } from "../../src/replicator/bell.ts";
import { generator } from "../merge/model/random.ts";
import { SimulatedClock } from "../simulation/clock.ts";

function bellOn(clock: SimulatedClock): Bell {
  return new Bell(clock.environment(generator(1)));
}

it("wakes whoever waits, and remembers a ring while nobody does", async () => {
  const bell = bellOn(new SimulatedClock());
  bell.ring();
  await bell.wait(1000);
  let isAwake = false;
  const waiting = bell.wait(1000).then(() => (isAwake = true));
  await Promise.resolve();
  expect(isAwake).toBe(false);
  bell.ring();
  await waiting;
  expect(isAwake).toBe(true);
});

it("rings by itself when the time is over, and leaves no timer behind when it was rung", async () => {
  const clock = new SimulatedClock();
  const bell = bellOn(clock);
  const waiting = bell.wait(1000);
  expect(clock.advance()).toBe(true);
  await waiting;
  const next = bell.wait(1000);
  bell.ring();
  await next;
  expect(clock.advance()).toBe(false);
});
