import type { Random } from '../../random.ts';

/** Behaviour of links and disks. Probabilities are in [0, 1], delays in virtual ms. */
export interface Weather {
  readonly lossProbability: number;
  readonly duplicateProbability: number;
  readonly linkDelayMs: readonly [min: number, max: number];
  readonly diskDelayMs: readonly [min: number, max: number];
}

export const CALM: Weather = {
  lossProbability: 0,
  duplicateProbability: 0,
  linkDelayMs: [0.2, 2],
  diskDelayMs: [0.1, 1],
};

/** Draws a weather, from a calm one to a storm in which few messages arrive in order. */
export function drawWeather(random: Random): Weather {
  const upTo = (most: number): number => (random.float() < 0.4 ? 0 : random.float() * most);
  const longestLinkDelayMs = random.pick([2, 10, 40, 120]);
  return {
    lossProbability: upTo(0.15),
    duplicateProbability: upTo(0.1),
    linkDelayMs: [0.2, longestLinkDelayMs],
    diskDelayMs: [0.1, random.pick([0.5, 2, 30, 100])],
  };
}

export const between = (random: Random, [min, max]: readonly [number, number]): number =>
  min + random.float() * (max - min);

export const chance = (random: Random, probability: number): boolean => random.float() < probability;
