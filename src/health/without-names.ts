import type { VerdictReading } from '../verdict/verdict-reading.js';

/**
 * The same reading for everybody to see: servers and agents have numbers in place of their names, and errors are left out, which quote
 * addresses. A verdict on it is the same, in the same words.
 */
export function withoutNames(reading: VerdictReading): VerdictReading {
  const { health, leases, waitingAgents, refusedAgents } = reading;
  const agents = new Map<string, string>();
  const numbered = (agentId: string): string => {
    const number = agents.get(agentId) ?? `#${agents.size + 1}`;
    agents.set(agentId, number);
    return number;
  };
  return {
    ...reading,
    health: {
      healthy: health.healthy,
      reason: health.healthy ? health.reason : 'no server can be used',
      endpoints: health.endpoints.map((endpoint, index) => ({
        ...endpoint,
        url: `server #${index + 1}`,
        lastError: endpoint.lastError === undefined ? undefined : 'it cannot be used',
      })),
    },
    leases: leases.map((lease) => ({
      ...lease,
      agentId: lease.agentId === undefined ? undefined : numbered(lease.agentId),
    })),
    waitingAgents: waitingAgents.map((agent) => ({ ...agent, agentId: numbered(agent.agentId) })),
    refusedAgents: refusedAgents.map((agent) => ({ ...agent, agentId: numbered(agent.agentId) })),
  };
}
