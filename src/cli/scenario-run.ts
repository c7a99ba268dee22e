import { type ScenarioReport, scenarioReport } from './scenario-report.js';
import { scenarios } from './scenarios/all.js';
import { type Place, Scene } from './scenarios/scene.js';

/** Runs a scenario at a place, and restores the database. */
export async function playScenario(name: string, place: Place): Promise<ScenarioReport> {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
  const scene = new Scene(place);
  try {
    await scenario.play(scene);
    return scenarioReport(name, scene);
  } finally {
    await scene.end();
  }
}
