import type { TrialCluster } from './cluster.ts';
import { changeMembers, readmit } from './members.ts';
import { timing } from './sim-server.ts';
import type { NodeId } from '../types.ts';

/** Injects all kinds of faults at once for `forMs`, drawn from the cluster's seed, under a load of writes and reads. */
export function storm(cluster: TrialCluster, forMs: number): void {
  const { random, schedule, ids } = cluster;
  const endMs = schedule.nowMs + forMs;
  const during = (what: () => void, meanMs: number): void => {
    const next = (): void => {
      if (schedule.nowMs >= endMs) return;
      what();
      schedule.after(random.between(0, 2 * meanMs), next);
    };
    schedule.after(random.between(0, 2 * meanMs), next);
  };
  const faultMs = random.pick([150, 400, 1_000]);
  during(() => {
    // Sometimes all servers are asked, so that deposed leaders accept proposals, too, and the logs diverge.
    const asked = random.chance(0.7) ? [cluster.leader() ?? random.pick(ids)] : ids;
    for (const id of asked) cluster.propose(id);
  }, 15);
  during(
    () => cluster.read(random.chance(0.7) ? (cluster.leader() ?? random.pick(ids)) : random.pick(ids)),
    20,
  );
  if (ids.length > 1 && random.chance(0.6)) during(() => changeMembers(cluster), random.pick([60, 300]));
  if (random.chance(0.3)) during(() => handOver(cluster), 300);
  if (cluster.founders.length >= 3 && random.chance(0.3))
    schedule.after(random.between(0, forMs), () => loseDisk(cluster));
  during(() => changeWeather(cluster), 500);
  during(() => fault(cluster), faultMs);
  if (random.chance(0.4)) cluster.onElected = (id) => huntLeader(cluster, id);
  cluster.run(forMs);
}

function changeWeather(cluster: TrialCluster): void {
  const { random } = cluster;
  const minDelayMs = random.pick([0, 1, 10]);
  cluster.weather = {
    lossProbability: random.pick([0, 0, 0.05, 0.3]),
    duplicateProbability: random.pick([0, 0.1, 0.5]),
    minDelayMs,
    maxDelayMs: minDelayMs + random.pick([1, 10, 40, 200, 800]),
  };
}

function handOver(cluster: TrialCluster): void {
  const leader = cluster.leader();
  if (leader !== null)
    cluster.transfer(leader, cluster.random.chance(0.5) ? cluster.random.pick(cluster.ids) : null);
}

/** Wipes one disk. Done once per run, because a majority may not survive a second loss. */
function loseDisk(cluster: TrialCluster): void {
  const { random, schedule } = cluster;
  const victim = random.pick(cluster.ids);
  cluster.wipe(victim);
  schedule.after(random.between(100, 3_000), () => readmit(cluster, victim));
}

/**
 * Makes figure 8 likely: a leader fails just after its election, when the first entries of its term are on few disks.
 */
function huntLeader(cluster: TrialCluster, id: NodeId): void {
  const { random, schedule, ids } = cluster;
  if (random.chance(0.3)) return;
  const others = ids.filter((other) => other !== id);
  if (random.chance(0.5)) {
    // The leader's messages to all others, or to all but one, are lost.
    const unheard = random.chance(0.5) ? others : others.slice(1);
    for (const other of unheard) cluster.cut(id, other);
    schedule.after(random.between(100, 600), () => unheard.forEach((other) => cluster.heal(id, other)));
  }
  schedule.after(random.between(0, 40), () => cluster.crash(id));
  schedule.after(random.between(40, 600), () => cluster.restart(id));
}

/** Injects one fault, which ends by itself after some time. */
function fault(cluster: TrialCluster): void {
  const { random, schedule, ids } = cluster;
  const victim = random.chance(0.4) ? (cluster.leader() ?? random.pick(ids)) : random.pick(ids);
  const lastsMs = random.between(5, 3 * timing.electionTimeoutMaxMs);
  switch (random.int(0, 7)) {
    case 0:
    case 1:
      cluster.crash(victim);
      schedule.after(random.chance(0.5) ? random.between(0, 20) : lastsMs, () => cluster.restart(victim));
      return;
    case 2:
    case 3:
      cluster.pause(victim);
      schedule.after(lastsMs, () => cluster.resume(victim));
      return;
    case 4:
      cluster.stallDisk(victim, true);
      schedule.after(lastsMs, () => cluster.stallDisk(victim, false));
      return;
    case 5: {
      // The link is cut in one direction, or in both.
      const other = random.pick(ids.filter((id) => id !== victim));
      const bothWays = random.chance(0.5);
      cluster.cut(victim, other);
      if (bothWays) cluster.cut(other, victim);
      schedule.after(lastsMs, () => {
        cluster.heal(victim, other);
        if (bothWays) cluster.heal(other, victim);
      });
      return;
    }
    case 6: {
      // The victim receives nothing, or its messages reach no server, or both.
      const mode = random.int(0, 2);
      const others = ids.filter((id) => id !== victim);
      for (const other of others) {
        if (mode !== 0) cluster.cut(victim, other);
        if (mode !== 1) cluster.cut(other, victim);
      }
      schedule.after(lastsMs, () => {
        for (const other of others) {
          cluster.heal(victim, other);
          cluster.heal(other, victim);
        }
      });
      return;
    }
    default: {
      // If all crash at once, every entry that is not durable on a majority is lost.
      const down = random.chance(0.3) ? ids : ids.filter(() => random.chance(0.5));
      for (const id of down) cluster.crash(id);
      for (const id of down) schedule.after(random.between(0, lastsMs), () => cluster.restart(id));
    }
  }
}
