import type { Histogram, Meter, Observable } from '@opentelemetry/api';
import type { Family, HistogramFamily, NumberFamily } from '../metrics/family.js';
import { durationBoundaries } from '../pool/duration-buckets.js';

/** All pools of a meter share its instruments: an SDK warns of two that have one name. */
const made = new WeakMap<Meter, Map<Family, Observable | Histogram>>();

/** The instrument of a family, whose numbers are read. */
export function observableOf(meter: Meter, family: NumberFamily): Observable {
  return instrumentOf(meter, family, () => {
    const options = { unit: family.unit, description: family.help };
    switch (family.kind) {
      case 'gauge':
        return meter.createObservableGauge(family.name, options);
      case 'upDownCounter':
        return meter.createObservableUpDownCounter(family.name, options);
      case 'counter':
        return meter.createObservableCounter(family.name, options);
    }
  });
}

/** The instrument of a family of durations. */
export function histogramOf(meter: Meter, family: HistogramFamily): Histogram {
  return instrumentOf(meter, family, () =>
    meter.createHistogram(family.name, {
      unit: family.unit,
      description: family.help,
      advice: { explicitBucketBoundaries: [...durationBoundaries] },
    }),
  );
}

/** @param make always makes the same kind for a family */
function instrumentOf<Instrument extends Observable | Histogram>(
  meter: Meter,
  family: Family,
  make: () => Instrument,
): Instrument {
  const ofMeter = made.get(meter) ?? new Map<Family, Observable | Histogram>();
  made.set(meter, ofMeter);
  const known = ofMeter.get(family) as Instrument | undefined;
  const instrument = known ?? make();
  ofMeter.set(family, instrument);
  return instrument;
}
