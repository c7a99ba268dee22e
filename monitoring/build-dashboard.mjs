// Writes grafana-dashboard.json.
import { writeFileSync } from 'node:fs';
import { dashboardText } from './dashboard/dashboard.mjs';

writeFileSync(new URL('grafana-dashboard.json', import.meta.url), dashboardText());
