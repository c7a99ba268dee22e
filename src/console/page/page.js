// The script of the live page. It asks for the stream of snapshots below its own address, draws each, and says when nothing
// comes any more. It writes texts as texts, never as HTML.
(() => {
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  /** Where the data are: below the page, wherever it is mounted. */
  const base = location.pathname.replace(/\/?$/, '/');
  const svgNames = 'http://www.w3.org/2000/svg';

  // What is kept while the page is open.
  let token = '';
  let pool = new URLSearchParams(location.search).get('pool') ?? undefined;
  let message;
  let lastAt = 0;
  let connection;
  let attempts = 0;
  let reconnect;
  let trouble = '';
  let chosen;
  let detail;
  let drawing = false;
  let spoken = '';
  let showAllLeases = false;
  /** A sample a second for five minutes, for each pool. */
  const histories = new Map();
  const longest = 300_000;

  // Storage may be forbidden; then nothing is remembered.
  const remember = (store, name, value) => {
    try {
      if (value === undefined) return window[store].getItem(name) ?? '';
      window[store].setItem(name, value);
    } catch {}
    return '';
  };

  // Words

  const number = (value) => value.toLocaleString('en-US');
  const short = (value) => value.toFixed(value < 9.95 ? 1 : 0);
  const duration = (ms) => {
    if (ms === undefined) return '';
    if (ms === 0) return '0 ms';
    if (ms < 0.995) return `${Math.max(ms, 0.01).toFixed(2)} ms`;
    if (ms < 999.5) return `${short(ms)} ms`;
    if (ms < 120_000) return `${short(ms / 1000)} s`;
    return ms < 7_200_000 ? `${short(ms / 60_000)} min` : `${short(ms / 3_600_000)} h`;
  };
  const plural = (count, one, several) => `${number(count)} ${count === 1 ? one : several}`;
  const host = (url) => /^wss?:\/\/([^/]+)/.exec(url)?.[1] ?? url;
  const kinds = {
    healthy: 'Healthy',
    pool: 'The pool',
    database: 'The database',
    caller: 'A caller',
    endpoint: 'An endpoint',
    conflicts: 'Conflicts',
    agent: 'An agent',
    process: 'This process',
    paused: 'Paused',
    'shut-down': 'Shutdown',
  };
  const symbols = { fine: '●', warning: '▲', critical: '⬣' };

  // The document

  const text = (element, value) => {
    if (element.lastText === value) return;
    element.lastText = value;
    element.textContent = value;
  };
  const attribute = (element, name, value) => {
    if (value === undefined) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  };
  const make = (tag, values = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(values)) {
      if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else if (name === 'text') text(element, value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  /** Makes the children of an element these, in this order, and touches only what differs. */
  const arrange = (parent, children) => {
    let place = parent.firstChild;
    for (const child of children) {
      if (child === place) place = place.nextSibling;
      else parent.insertBefore(child, place);
    }
    while (place !== null) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  // The verdict

  const drawVerdict = ({ verdict, pool: name, waiting, connections }) => {
    const { kind, severity, sentence } = verdict;
    const element = $('verdict');
    if (element.className !== severity) {
      element.className = severity;
      const colour = getComputedStyle(root).getPropertyValue(`--${severity}`).trim();
      const shape =
        severity === 'fine'
          ? '<circle cx="8" cy="8" r="7"/>'
          : `<path d="${severity === 'warning' ? 'M8 1 15.5 15H.5z' : 'M5 .5h6L15.500 5v6L11 15.500H5L.5 11V5z'}"/>`;
      const icon = `<svg xmlns="${svgNames}" viewBox="0 0 16 16" fill="${colour}">${shape}</svg>`;
      document.querySelector('link[rel=icon]').href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
    }
    text($('kind'), kinds[kind] ?? kind);
    text($('sentence'), sentence);
    const short =
      waiting.callers > 0 ? `${number(waiting.callers)} wait` : `${connections.leased}/${connections.limit}`;
    document.title = `${symbols[severity]} ${short} · ${name}`;
    // Said aloud when it is another verdict, not when a number in it changes.
    const heard = `${name} ${kind} ${severity}`;
    if (heard !== spoken) text($('spoken'), sentence);
    spoken = heard;
  };

  // The strip

  const letters = { held: '!', opening: '+', validating: '?', resetting: '↺', closing: '×' };
  const meanings = {
    idle: 'idle',
    leased: 'in use: the fuller, the longer it is held',
    held: 'held, and no call for a second',
    opening: 'being opened',
    validating: 'being probed',
    resetting: 'being reset',
    closing: 'being closed',
    free: 'may be opened',
  };
  const cells = new Map();
  const groups = new Map();
  const heldIdle = 1000;
  const shapeOf = (cell) => (cell.state === 'leased' && cell.idle >= heldIdle ? 'held' : cell.state);
  const levelOf = ({ for: time }) => (time < 100 ? 1 : time < 1000 ? 2 : time < 10_000 ? 3 : time < 60_000 ? 4 : 5);

  const drawCell = (cell) => {
    let drawn = cells.get(cell.id);
    if (drawn === undefined) {
      const element = make('i', { id: `c${cell.id}`, role: 'option', 'aria-selected': 'false' });
      drawn = { element, shape: '', level: 0, label: '' };
      element.cell = cell.id;
      cells.set(cell.id, drawn);
    }
    const { element } = drawn;
    const shape = shapeOf(cell);
    if (shape !== drawn.shape) {
      drawn.shape = shape;
      element.dataset.s = shape;
      element.setAttribute('aria-label', `connection ${cell.id}, ${shape === 'held' ? 'held without a call' : shape}`);
    }
    const level = shape === 'leased' ? levelOf(cell) : 0;
    if (level !== drawn.level) {
      drawn.level = level;
      element.dataset.a = level;
    }
    text(element, letters[shape] ?? '');
    const isChosen = cell.id === chosen;
    if (isChosen !== drawn.chosen) {
      drawn.chosen = isChosen;
      element.classList.toggle('chosen', isChosen);
      element.setAttribute('aria-selected', String(isChosen));
    }
    drawn.seen = message;
    return element;
  };

  const groupOf = (key) => {
    let group = groups.get(key);
    if (group === undefined) {
      const title = make('h3');
      const list = make('div', { role: 'listbox', tabindex: '0' });
      list.addEventListener('click', ({ target }) => {
        if (target.cell === undefined) return;
        activate(list, target);
        choose(target.cell);
      });
      list.addEventListener('keydown', (event) => moveIn(list, event));
      list.addEventListener('focus', () => activate(list, list.active ?? list.firstChild));
      group = { title, list, element: make('div', { class: 'group' }, title, list) };
      groups.set(key, group);
    }
    return group;
  };

  const activate = (list, element) => {
    if (!element?.cell) return;
    list.active?.classList.remove('active');
    list.active = element;
    element.classList.add('active');
    list.setAttribute('aria-activedescendant', element.id);
  };

  const moveIn = (list, event) => {
    const all = [...list.children].filter(({ cell }) => cell !== undefined);
    const place = Math.max(0, all.indexOf(list.active));
    const inRow = all.filter(({ offsetTop }) => offsetTop === all[0]?.offsetTop).length || 1;
    const steps = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: inRow,
      ArrowUp: -inRow,
      Home: -place,
      End: all.length - 1 - place,
    };
    if (event.key in steps) activate(list, all[Math.min(all.length - 1, Math.max(0, place + steps[event.key]))]);
    else if (event.key === 'Enter' || event.key === ' ') choose(list.active?.cell);
    else return;
    event.preventDefault();
  };

  const drawStrip = ({ strip, endpoints, connections, waiting, state }) => {
    const { limit, total, leased, idle, opening, validating, resetting, closing } = connections;
    const words = [
      `${number(leased)} of ${number(limit)} in use`,
      `${number(idle)} idle`,
      opening > 0 && `${number(opening)} being opened`,
      validating + resetting > 0 && `${number(validating + resetting)} being probed or reset`,
      closing > 0 && `${number(closing)} being closed`,
    ];
    text($('counts'), words.filter(Boolean).join(' · '));
    const size = strip.length > 400 ? 'most' : strip.length > 100 ? 'many' : '';
    const byEndpoint = new Map();
    for (const cell of strip) {
      const list = byEndpoint.get(cell.endpoint);
      if (list === undefined) byEndpoint.set(cell.endpoint, [drawCell(cell)]);
      else list.push(drawCell(cell));
    }
    for (const [place] of endpoints.entries()) if (!byEndpoint.has(place)) byEndpoint.set(place, []);
    const free = state === 'running' || state === 'paused' ? Math.max(0, limit - total) : 0;
    const shown = [];
    for (const [place, elements] of [...byEndpoint].sort(([a], [b]) => a - b)) {
      const endpoint = endpoints[place];
      const { title, list, element } = groupOf(endpoint?.url ?? '');
      const name = endpoint === undefined ? 'of servers that were removed' : host(endpoint.url);
      const count = plural(elements.length, 'connection', 'connections');
      const unwell = endpoint === undefined || endpoint.state === 'well' ? '' : ` · ${endpoint.state}`;
      text(title, `${name} · ${count}${unwell}`);
      attribute(list, 'aria-label', `Connections ${name}`);
      attribute(list, 'class', `cells ${size}`);
      attribute(list, 'tabindex', elements.length === 0 ? '-1' : '0');
      arrange(list, elements);
      if (!elements.includes(list.active)) {
        list.active = undefined;
        attribute(list, 'aria-activedescendant', undefined);
      }
      shown.push(element);
    }
    if (free > 0) {
      const { title, list, element } = groupOf(' free');
      const drawn = Math.min(free, 200);
      text(title, `${number(free)} more may be opened${drawn < free ? ` (${drawn} drawn)` : ''}`);
      attribute(list, 'class', `cells ${limit > 400 ? 'most' : limit > 100 ? 'many' : size}`);
      attribute(list, 'role', 'presentation');
      attribute(list, 'tabindex', undefined);
      while (list.children.length < drawn) list.append(make('i', { 'data-s': 'free', 'aria-hidden': 'true' }));
      while (list.children.length > drawn) list.lastChild.remove();
      shown.push(element);
    }
    arrange($('strip'), shown);
    for (const [id, { seen }] of cells) if (seen !== message) cells.delete(id);
    if (groups.size > shown.length + 8) groups.clear();
    const present = new Set(strip.map(shapeOf));
    if (free > 0) present.add('free');
    for (const item of $('key-list').children) item.hidden = !present.has(item.dataset.s);

    const queue = $('queue');
    queue.hidden = waiting.callers === 0;
    if (waiting.callers > 0) {
      const people = Math.min(waiting.callers, 40);
      const more = waiting.callers - people;
      text(
        queue.firstChild,
        `${plural(waiting.callers, 'caller waits', 'callers wait')}, ${waiting.callers === 1 ? '' : 'the oldest '}for ${duration(waiting.oldest)}`,
      );
      text(queue.lastChild, `${'▮'.repeat(people)}${more > 0 ? ` and ${number(more)} more` : ''}`);
    }
  };

  $('queue').append(make('span'), make('span', { class: 'people', 'aria-hidden': 'true' }));
  for (const [shape, meaning] of Object.entries(meanings)) {
    const sample = make('i', { 'data-s': shape, 'data-a': '3', 'aria-hidden': 'true', text: letters[shape] ?? '' });
    $('key-list').append(make('li', { 'data-s': shape }, sample, make('span', { text: meaning })));
  }

  // One connection in detail

  const choose = (id) => {
    if (id === undefined) return;
    chosen = chosen === id ? undefined : id;
    detail = undefined;
    lookAtDetail();
    draw();
  };

  const ask = async (path, options = {}) => {
    const headers = token === '' ? options.headers : { ...options.headers, authorization: `Bearer ${token}` };
    const query = pool === undefined ? '' : `${path.includes('?') ? '&' : '?'}pool=${encodeURIComponent(pool)}`;
    return await fetch(base + path + query, { ...options, headers, cache: 'no-store' });
  };

  let detailTimer;
  const lookAtDetail = async () => {
    clearTimeout(detailTimer);
    const id = chosen;
    if (id === undefined) return;
    try {
      const response = await ask(`connection?id=${id}`);
      const found = response.ok ? await response.json() : { gone: (await response.text()).trim() };
      if (id === chosen) detail = found;
    } catch {}
    if (id !== chosen) return;
    drawDetail();
    detailTimer = setTimeout(lookAtDetail, 2000);
  };

  const drawDetail = () => {
    const element = $('detail');
    element.hidden = chosen === undefined;
    if (chosen === undefined) return element.replaceChildren();
    const close = make('button', { type: 'button', onclick: () => choose(chosen), text: 'Close' });
    const end = make('button', {
      type: 'button',
      class: 'risky',
      onclick: () => endLease(chosen),
      text: 'End this lease',
    });
    const { holder, gone } = detail ?? {};
    const canEnd = message.actions && holder !== undefined && holder.sharedBy === 0;
    const bar = make(
      'div',
      { class: 'bar' },
      make('h2', { text: `Connection #${chosen}` }),
      make('p', { text: gone ?? (detail === undefined ? 'asking…' : '') }),
      make('span', { class: 'tools' }, ...(canEnd ? [end] : []), close),
    );
    const facts = detail === undefined || gone !== undefined ? [] : factsOf(detail);
    const list = make('dl');
    for (const [name, value] of facts)
      list.append(make('div', {}, make('dt', { text: name }), make('dd', { text: value })));
    const rest = [];
    if (holder?.statement !== undefined)
      rest.push(
        make('p', { class: 'quiet', text: 'Last statement, without its values' }),
        make('pre', { text: holder.statement }),
      );
    if (holder?.origin)
      rest.push(
        make('p', { class: 'quiet', text: 'Acquired here' }),
        make('pre', { tabindex: '0', text: holder.origin }),
      );
    else if (holder !== undefined && holder.sharedBy === 0)
      rest.push(
        make('p', {
          class: 'quiet',
          text: 'Where it was acquired is recorded while the pool has a leakDetectionThreshold or an idleLeaseThreshold.',
        }),
      );
    const hadFocus = element.contains(document.activeElement) ? document.activeElement.textContent : undefined;
    element.replaceChildren(bar, list, ...rest);
    if (hadFocus !== undefined)
      [...element.querySelectorAll('button')].find(({ textContent }) => textContent === hadFocus)?.focus();
  };

  const factsOf = ({ state, stateFor, age, uses, endpoint, namespace, database, user, holder }) =>
    [
      ['State', `${state} for ${duration(stateFor)}`],
      holder && [
        'Holder',
        holder.agent === undefined
          ? holder.sharedBy > 0
            ? `${plural(holder.sharedBy, 'single call', 'single calls')}`
            : 'a caller of the pool'
          : `agent ${holder.agent}`,
      ],
      holder && ['Doing', holder.idle === undefined ? 'a call is under way' : `no call for ${duration(holder.idle)}`],
      holder && holder.sharedBy === 0 && ['Queries of this lease', number(holder.queries)],
      holder?.transactionFor !== undefined && ['Transaction open for', duration(holder.transactionFor)],
      ['Database', `${namespace} / ${database}`],
      ['User', user],
      ['Endpoint', host(endpoint)],
      ['Age', duration(age)],
      ['Lent so far', plural(uses, 'time', 'times')],
    ].filter(Boolean);

  // Numbers

  const cards = [
    [
      'In use',
      ({ connections: { leased, limit } }) => [number(leased), ` / ${number(limit)}`],
      (s) => `${number(s.connections.idle)} idle, ${number(s.connections.opening)} being opened`,
      (p) => p.used,
      (s) => s.connections.leased >= s.connections.limit && s.waiting.callers > 0,
    ],
    [
      'Waiting',
      (s) => [number(s.waiting.callers)],
      (s) => (s.waiting.callers === 0 ? 'nobody waits' : 'without a connection'),
      (p) => p.waiting,
      (s) => s.waiting.callers > 0 && s.verdict.severity !== 'fine',
    ],
    [
      'Oldest waiter',
      (s) => [s.waiting.callers === 0 ? '–' : duration(s.waiting.oldest)],
      (s) => `max ${duration(s.waitTime.max)} in a minute`,
      (p) => p.oldest,
      (s) => s.waiting.oldest >= 1000,
    ],
    [
      'Acquires',
      (s) => (s.rates === undefined ? ['–'] : [number(s.rates.acquires), ' /s']),
      (s) => (s.rates === undefined ? 'not known yet' : `${number(s.rates.queries)} queries /s`),
      (p) => p.acquires,
      () => false,
    ],
    [
      'Acquire p99',
      (s) => [duration(s.waitTime.p99)],
      (s) => `p50 ${duration(s.waitTime.p50)}, last minute`,
      (p) => p.wait,
      () => false,
    ],
    [
      'Failures',
      (s) => (s.failures === undefined ? ['–'] : [number(failuresOf(s)), ' /min']),
      (s) => failureWords(s),
      (p) => p.failures,
      (s) => s.failures !== undefined && s.failures.timedOut + s.failures.turnedAway > 0,
    ],
  ];
  const failureNames = [
    ['timedOut', 'timed out'],
    ['turnedAway', 'turned away'],
    ['acquiresFailed', 'acquires failed'],
    ['openingsFailed', 'openings failed'],
    ['conflicts', 'conflicts'],
    ['queriesFailed', 'queries failed'],
  ];
  const failuresOf = ({ failures }) =>
    failures === undefined ? 0 : failureNames.reduce((sum, [name]) => sum + failures[name], 0);
  const failureWords = ({ failures }) => {
    if (failures === undefined) return 'not known yet';
    const words = failureNames
      .filter(([name]) => failures[name] > 0)
      .map(([name, word]) => `${number(failures[name])} ${word}`);
    return words.length === 0 ? 'none' : words.join(', ');
  };

  const svg = (tag, values = {}) => {
    const element = document.createElementNS(svgNames, tag);
    for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
    return element;
  };

  for (const card of cards) {
    const [title, value, small, words, line] = [
      make('h2', { text: card[0] }),
      document.createTextNode(''),
      make('small'),
      make('p'),
      svg('path'),
    ];
    const drawing = svg('svg', { viewBox: '0 0 60 30', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    drawing.append(line);
    card.element = make('section', { class: 'number' }, title, make('b', {}, value, small), words, drawing);
    Object.assign(card, { value, small, words, line });
    $('numbers').append(card.element);
  }

  /** A line through points of the last `span` milliseconds, in a box; it breaks where nothing was known. */
  const lineThrough = (points, now, span, width, y) => {
    let path = '';
    let before = 0;
    for (const point of points) {
      const x = width * (1 - (now - point.time) / span);
      if (x < 0) continue;
      path += `${path === '' || point.time - before > 5000 ? 'M' : 'L'}${x.toFixed(1)} ${y(point).toFixed(1)}`;
      before = point.time;
    }
    return path;
  };

  const drawNumbers = (snapshot, history) => {
    for (const card of cards) {
      const [, value, words, point, alarm] = card;
      const [main, small = ''] = value(snapshot);
      text(card.value, main);
      text(card.small, small);
      const said = words(snapshot);
      text(card.words, said);
      attribute(card.words, 'title', said);
      card.element.classList.toggle('alarm', alarm(snapshot));
      const lately = history.filter(({ time }) => snapshot.time - time <= 60_000);
      const most = Math.max(1, ...lately.map(point));
      card.line.setAttribute(
        'd',
        lineThrough(lately, snapshot.time, 60_000, 60, (p) => 28.5 - (26 * point(p)) / most),
      );
    }
  };

  // Charts

  const plot = (id, classes) => {
    const drawing = svg('svg', { viewBox: '0 0 300 100', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    const grid = svg('path', { class: 'grid' });
    const lines = classes.map((name) => svg('path', { class: name }));
    drawing.append(grid, ...lines);
    const labels = make('div', { 'aria-hidden': 'true' });
    $(id).append(drawing, labels);
    const times = [0, 0.5, 1].map((place) => {
      const label = make('span', { class: 'x' });
      label.style.left = `${100 * place}%`;
      return label;
    });
    $(id).append(...times);
    return { grid, lines, labels, times };
  };
  const load = plot('load', ['area-waiting', 'area-used', 'limit']);
  const blame = plot('blame', ['wait', 'query']);

  /** Writes labels beside a plot: [class, height from 0 to 100, text]. Those at its end make room for one another. */
  const label = ({ labels, grid, times }, marks, span) => {
    for (const [place, word] of [`${duration(span)} ago`, duration(span / 2), 'now'].entries()) {
      text(times[place], word.replace('.0 ', ' '));
    }
    const ends = marks.filter(([name]) => name === 'end').sort(([, a], [, b]) => a - b);
    for (let place = 1; place < ends.length; place++) ends[place][1] = Math.max(ends[place][1], ends[place - 1][1] + 9);
    while (labels.children.length > marks.length) labels.lastChild.remove();
    while (labels.children.length < marks.length) labels.append(make('span'));
    for (const [place, [name, height, word]] of marks.entries()) {
      const element = labels.children[place];
      attribute(element, 'class', name);
      element.style.bottom = `${height}%`;
      text(element, word);
    }
    grid.setAttribute(
      'd',
      marks
        .filter(([name]) => name === 'y')
        .map(([, height]) => `M0 ${100 - height}H300`)
        .join(''),
    );
  };

  /** What a chart shows: a minute at first, and all that is known of five. */
  const spanOf = (history, time) =>
    Math.min(longest, Math.max(60_000, Math.ceil((time - history[0].time) / 15_000) * 15_000));

  const closed = (path) => {
    // Each part of the line becomes an area down to the axis.
    return path
      .split('M')
      .slice(1)
      .map((part) => {
        const xs = part.split('L').map((point) => point.split(' ')[0]);
        return `M${part}L${xs.at(-1)} 100L${xs[0]} 100Z`;
      })
      .join('');
  };

  const drawLoad = ({ time, connections: { limit, leased }, waiting }, history) => {
    const most = Math.max(limit, ...history.map((p) => p.used + p.waiting));
    // A long line of waiters would press everything else flat.
    const isLog = most > 6 * limit;
    const scaled = (value) => (isLog ? Math.log10(1 + value) : value);
    const height = (value) => (92 * scaled(value)) / scaled(most);
    const span = spanOf(history, time);
    const used = lineThrough(history, time, span, 300, (p) => 100 - height(p.used));
    const both = lineThrough(history, time, span, 300, (p) => 100 - height(p.used + p.waiting));
    load.lines[0].setAttribute('d', history.some((p) => p.waiting > 0) ? closed(both) : '');
    load.lines[1].setAttribute('d', closed(used));
    load.lines[2].setAttribute('d', `M0 ${100 - height(limit)}H300`);
    const marks = [
      ['y', 0, '0'],
      ['y', height(limit), number(limit)],
      ['end', height(leased), `used ${number(leased)}`],
    ];
    if (most > limit * 1.2) marks.push(['y', height(most), number(most)]);
    if (waiting.callers > 0) marks.push(['end', height(leased + waiting.callers), `wait ${number(waiting.callers)}`]);
    else marks.push(['end', height(limit), 'limit']);
    label(load, marks, span);
    text($('load-words'), `— used, - - waiting on top, ··· limit${isLog ? '; logarithmic' : ''}`);
  };

  const drawBlame = ({ time, waitTime, queryTime }, history) => {
    const values = history.flatMap((p) => [p.wait, p.query]).filter((value) => value >= 0.1);
    const low = Math.floor(Math.log10(Math.min(1, ...values)));
    const high = Math.max(low + 2, Math.ceil(Math.log10(Math.max(10, ...values)) + 0.05));
    const height = (value) => Math.max(0, (100 * (Math.log10(Math.max(value, 0.01)) - low)) / (high - low));
    const span = spanOf(history, time);
    blame.lines[0].setAttribute(
      'd',
      lineThrough(history, time, span, 300, (p) => 100 - height(p.wait)),
    );
    blame.lines[1].setAttribute(
      'd',
      lineThrough(history, time, span, 300, (p) => 100 - height(p.query)),
    );
    const marks = [];
    for (let power = low; power <= high; power++)
      marks.push(['y', height(10 ** power), duration(10 ** power).replace('.0 ', ' ')]);
    marks.push(
      ['end', height(waitTime.p99), `wait ${duration(waitTime.p99)}`],
      ['end', height(queryTime.p99), `query ${duration(queryTime.p99)}`],
    );
    label(blame, marks, span);
    text($('blame-words'), 'p99 of a minute, logarithmic: — wait, - - query');
  };

  // Tables

  /** Draws a table whose rows stay where they are while only their texts change. Each column: [label, class, text, order]. */
  const table = (id, columns, { bad = () => false, key, button } = {}) => {
    const element = $(id);
    const body = make('tbody');
    const row = make('tr');
    let sorted;
    let descending = true;
    let latest = [];
    const rows = new Map();
    for (const column of columns) {
      const [name, style, , order] = column;
      const head = make('th', { scope: 'col', class: style });
      if (order === undefined) head.append(make('span', { text: name }));
      else {
        head.append(
          make('button', {
            type: 'button',
            text: name,
            onclick: () => {
              descending = sorted === column ? !descending : true;
              sorted = column;
              draws(latest);
            },
          }),
        );
      }
      column.head = head;
      row.append(head);
    }
    if (button !== undefined) row.append(make('th', {}, make('span', { class: 'unseen', text: 'Actions' })));
    element.append(make('thead', {}, row), body);
    const rowOf = (data) => {
      const name = key(data);
      let drawn = rows.get(name);
      if (drawn === undefined) {
        const fields = columns.map(([title, style], place) => {
          const field = make('td', { class: style, ...(place > 0 && title !== '' ? { 'data-label': title } : {}) });
          if (place > 0 || data.connection === undefined) return { field, target: field };
          const link = make('button', { type: 'button', class: 'link', onclick: () => choose(drawn.data.connection) });
          field.append(link);
          return { field, target: link };
        });
        drawn = { element: make('tr', {}, ...fields.map(({ field }) => field)), fields };
        if (button !== undefined) {
          drawn.button = make('button', { type: 'button', onclick: () => button.press(drawn.data) });
          drawn.element.append(make('td', {}, drawn.button));
        }
        rows.set(name, drawn);
      }
      return drawn;
    };
    const draws = (list) => {
      latest = list;
      element.hidden = list.length === 0;
      const ordered =
        sorted === undefined
          ? list
          : [...list].sort((a, b) => compare(sorted[3](a), sorted[3](b)) * (descending ? -1 : 1));
      for (const column of columns)
        attribute(column.head, 'aria-sort', column === sorted ? (descending ? 'descending' : 'ascending') : undefined);
      // A column in which no row has anything to say takes no room.
      const filled = columns.map(([, , value]) => list.length === 0 || list.some((data) => value(data) !== ''));
      for (const [place, { head }] of columns.entries()) head.hidden = !filled[place];
      const seen = new Set();
      const elements = ordered.map((data) => {
        const drawn = rowOf(data);
        seen.add(key(data));
        drawn.data = data;
        for (const [place, { field, target }] of drawn.fields.entries()) {
          text(target, columns[place][2](data));
          if (field.hidden === filled[place]) field.hidden = !filled[place];
        }
        drawn.element.classList.toggle('bad', bad(data));
        drawn.element.classList.toggle('chosen', data.connection !== undefined && data.connection === chosen);
        if (button !== undefined) {
          drawn.button.hidden = !message.actions;
          text(drawn.button, button.text(data));
        }
        return drawn.element;
      });
      arrange(body, elements);
      for (const name of rows.keys()) if (!seen.has(name)) rows.delete(name);
    };
    return draws;
  };
  const compare = (a, b) => (typeof a === 'string' ? a.localeCompare(b) : (a ?? -1) - (b ?? -1));

  let now;
  const isBad = ({ idle, shared }) =>
    shared === 0 && idle !== undefined && idle >= (now.waiting.callers > 0 ? heldIdle : 30_000);
  const doing = (lease) => {
    if (lease.shared > 0) return `shared by ${lease.shared}`;
    return lease.idle === undefined ? 'calling' : `${isBad(lease) ? '▲ ' : ''}idle ${duration(lease.idle)}`;
  };
  const drawLeases = table(
    'leases-table',
    [
      ['Connection', 'w', (l) => `#${l.connection}`, (l) => l.connection],
      ['Held', 'n', (l) => duration(l.held), (l) => l.held],
      ['Doing', 'w', doing, (l) => l.idle ?? -1],
      ['Agent', '', (l) => l.agent ?? '', (l) => l.agent ?? ''],
      ['Database', 'w', (l) => `${l.namespace} / ${l.database}`, (l) => `${l.namespace} / ${l.database}`],
      [
        'At',
        'w',
        (l) => (now.endpoints.length > 1 ? host(now.endpoints[l.endpoint]?.url ?? '') : ''),
        (l) => l.endpoint,
      ],
      ['User', 'w', (l) => l.user, (l) => l.user],
      ['Queries', 'n', (l) => (l.shared > 0 ? '' : number(l.queries)), (l) => l.queries],
      ['Transaction', 'n', (l) => duration(l.transactionFor), (l) => l.transactionFor],
      ['Last statement', 'statement', (l) => l.statement ?? ''],
    ],
    { bad: isBad, key: (l) => l.connection },
  );
  const limitsOf = ({ resourceLimits }) =>
    Object.entries(resourceLimits ?? {})
      .filter(([name, value]) => value !== undefined && value !== null && !/^max(Concurrent|TransactionLog)/.test(name))
      .map(([name, value]) => `${name} ${value}`)
      .join(', ');
  const refusals = ({ refused }) => Object.values(refused).reduce((sum, count) => sum + count, 0);
  const drawAgents = table(
    'agents-table',
    [
      ['Agent', 'w', (a) => a.agentId, (a) => a.agentId],
      ['Connections', 'n', (a) => number(a.connections), (a) => a.connections],
      ['Waiting', 'n', (a) => number(a.waiting), (a) => a.waiting],
      ['Longest wait', 'n', (a) => duration(a.longestWait), (a) => a.longestWait],
      ['Operations', 'n', (a) => number(a.operations), (a) => a.operations],
      ['Busy', 'n', (a) => duration(a.busyTime), (a) => a.busyTime],
      ['Open transactions', 'n', (a) => number(a.openTransactions), (a) => a.openTransactions],
      [
        'Refused',
        '',
        (a) =>
          Object.entries(a.refused)
            .map(([name, count]) => `${number(count)} × ${name}`)
            .join(', '),
        refusals,
      ],
      ['Weight', 'n', (a) => number(a.weight), (a) => a.weight],
      ['Limits', '', limitsOf],
      ['Database', 'w', (a) => `${a.namespace} / ${a.database}`, (a) => `${a.namespace} / ${a.database}`],
    ],
    { key: (a) => a.sessionId },
  );
  const marks = { well: '●', doubtful: '▲', out: '⬣', draining: '◌' };
  const drawEndpoints = table(
    'endpoints-table',
    [
      ['Address', '', (e) => e.url, (e) => e.url],
      ['State', 'w', (e) => `${marks[e.state] ?? ''} ${e.state}`, (e) => e.state],
      ['Breaker', 'w', (e) => e.circuit, (e) => e.circuit],
      [
        'Connections',
        'n',
        (e) => (e.opening > 0 ? `${number(e.connections)} + ${number(e.opening)}` : number(e.connections)),
        (e) => e.connections,
      ],
      ['Leases', 'n', (e) => number(e.inUse), (e) => e.inUse],
      ['Share', 'n', (e) => `${Math.round(100 * e.share)} %`, (e) => e.share],
      ['Round trip', 'n', (e) => duration(e.latency), (e) => e.latency],
      ['Next attempt', 'n', (e) => (e.nextProbeIn > 0 ? `in ${duration(e.nextProbeIn)}` : '')],
      ['Last error', '', (e) => e.lastError ?? ''],
    ],
    {
      bad: (e) => e.state === 'out' || e.circuit !== 'closed',
      key: (e) => e.url,
      button: { text: (e) => (e.state === 'draining' ? 'Take back' : 'Drain'), press: (e) => drain(e) },
    },
  );

  const drawEvents = (events) => {
    const list = $('events');
    const signature =
      events.length === 0 ? '' : `${events[0].id} ${events[0].time} ${events[0].count} ${events.length}`;
    if (list.signature === signature) return;
    list.signature = signature;
    while (list.children.length > Math.max(1, events.length)) list.lastChild.remove();
    while (list.children.length < events.length)
      list.append(make('li', {}, make('time'), make('span', { 'aria-hidden': 'true' }), make('span'), make('em')));
    for (const [place, { time, level, text: words, count }] of events.entries()) {
      const [when, mark, what, often] = list.children[place].children;
      text(when, new Date(time).toLocaleTimeString([], { hour12: false }));
      attribute(mark, 'class', level);
      text(mark, { info: '·', warning: '▲', error: '⬣' }[level]);
      text(what, words);
      text(often, count > 1 ? `${number(count)} times` : '');
    }
  };

  // All of it

  const note = (snapshot) => {
    let history = histories.get(snapshot.pool);
    if (history === undefined) {
      history = [];
      histories.set(snapshot.pool, history);
    }
    if (history.length > 0 && snapshot.time - history.at(-1).time < 900) return history;
    history.push({
      time: snapshot.time,
      used: snapshot.connections.leased,
      waiting: snapshot.waiting.callers,
      oldest: snapshot.waiting.oldest,
      acquires: snapshot.rates?.acquires ?? 0,
      wait: snapshot.waitTime.p99,
      query: snapshot.queryTime.p99,
      failures: failuresOf(snapshot),
    });
    while (history.length > 0 && snapshot.time - history[0].time > longest) history.shift();
    return history;
  };

  const drawPools = ({ pools, snapshot }) => {
    text($('pool'), pools.length > 1 ? '' : snapshot.pool);
    const select = $('pools');
    select.hidden = pools.length < 2;
    while (select.options.length > pools.length) select.lastChild.remove();
    while (select.options.length < pools.length) select.append(make('option'));
    for (const [place, { name, verdict }] of pools.entries()) {
      const option = select.options[place];
      option.value = name;
      text(option, `${symbols[verdict.severity]} ${name}`);
      option.selected = name === snapshot.pool;
    }
  };

  const draw = () => {
    if (message === undefined || drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      const began = performance.now();
      const { snapshot, actions } = message;
      if (snapshot === undefined) {
        text(
          $('sentence'),
          message.pools.length === 0
            ? 'There is no pool.'
            : 'There is no pool of this name any more: choose another one.',
        );
        $('pools').hidden = message.pools.length === 0;
        return;
      }
      now = snapshot;
      const history = note(snapshot);
      drawPools(message);
      drawVerdict(snapshot);
      drawStrip(snapshot);
      drawNumbers(snapshot, history);
      drawLoad(snapshot, history);
      drawBlame(snapshot, history);
      const { shown, more } = snapshot.leases;
      drawLeases(showAllLeases ? shown : shown.slice(0, 25));
      const hidden = (showAllLeases ? 0 : Math.max(0, shown.length - 25)) + more;
      text(
        $('leases-words'),
        shown.length === 0 ? 'none' : `the longest first${hidden > 0 ? `; ${number(hidden)} more` : ''}`,
      );
      moreLeases.hidden = shown.length <= 25;
      text(moreLeases, showAllLeases ? 'Show 25' : `Show ${number(shown.length)}`);
      const { agents } = snapshot;
      $('agents').hidden = agents.open === 0;
      if (agents.open > 0) {
        drawAgents(agents.shown);
        text(
          $('agents-words'),
          `${number(agents.open)} open · fairness ${agents.fairness.toFixed(2)}${agents.more > 0 ? ` · ${number(agents.more)} more` : ''}`,
        );
      }
      drawEndpoints(snapshot.endpoints);
      drawEvents(snapshot.events);
      $('acts').hidden = !actions;
      $('key').hidden = !actions && token === '';
      text($('pause'), snapshot.state === 'paused' ? 'Resume' : 'Pause');
      $('pause').disabled = snapshot.state === 'draining' || snapshot.state === 'closed';
      if (chosen !== undefined && $('detail').hidden) drawDetail();
      if (chosen === undefined && !$('detail').hidden) drawDetail();
      // Read by who measures the page; a browser keeps a bounded number only when told.
      performance.measure('draw', { start: began });
      if (performance.getEntriesByName('draw').length > 500) performance.clearMeasures('draw');
    });
  };
  const moreLeases = make('button', {
    type: 'button',
    class: 'more',
    onclick: () => {
      showAllLeases = !showAllLeases;
      draw();
    },
  });
  $('leases').append(moreLeases);

  // The stream

  const connect = async () => {
    clearTimeout(reconnect);
    connection?.abort();
    const mine = new AbortController();
    connection = mine;
    trouble = '';
    let wait = Math.min(10_000, 500 * 2 ** attempts++);
    try {
      const response = await ask('events', { signal: mine.signal });
      if (!response.ok) {
        trouble = (await response.text()).trim();
        wait = 10_000;
        if (response.status === 401) return await askForToken(trouble);
        throw new Error(trouble);
      }
      let rest = '';
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        rest += part.value;
        const blocks = rest.split('\n\n');
        rest = blocks.pop();
        const newest = blocks.findLast((block) => block.startsWith('data: '));
        if (newest === undefined) continue;
        message = JSON.parse(newest.slice(6));
        lastAt = performance.now();
        attempts = 0;
        watch();
        draw();
      }
    } catch {
      // Said by `watch`, and tried again.
    }
    if (connection === mine && !resting) reconnect = setTimeout(connect, wait);
  };

  /** Says whether what is shown is of now. */
  const watch = () => {
    const age = lastAt === 0 ? Number.POSITIVE_INFINITY : performance.now() - lastAt;
    const allowed = 2_500 + 2 * (message?.next ?? 500);
    const isStale = lastAt !== 0 && age > allowed;
    root.classList.toggle('live', age <= allowed);
    root.classList.toggle('stale', isStale);
    const why = trouble === '' ? '' : `: ${trouble}`;
    if (isStale) {
      text($('link-text'), `Stale: this is ${duration(age)} old. Connecting again${why}`);
      if (!document.title.startsWith('(stale)')) document.title = `(stale) ${document.title}`;
      // A connection that says nothing may be dead without an end.
      if (age > allowed + 5_000 && !resting) {
        lastAt += 5_000;
        connect();
      }
    } else if (lastAt === 0) text($('link-text'), trouble === '' ? 'connecting…' : trouble);
    else text($('link-text'), `live, every ${duration(message.next)}`);
  };
  setInterval(watch, 1000);

  // Nobody looks at a page that is hidden for long: then the server has nothing to do for it.
  let resting = false;
  let restTimer;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(restTimer);
    if (document.hidden) {
      restTimer = setTimeout(() => {
        resting = true;
        connection?.abort();
      }, 60_000);
    } else if (resting) {
      resting = false;
      connect();
    }
  });

  // Dialogs and actions

  let answerDialog;
  const dialog = ({ title, words, yes, risky = false, secret = false, input }) =>
    new Promise((resolve) => {
      const box = $('ask-input');
      text($('ask-title'), title);
      text($('ask-words'), words);
      text($('ask-label'), input ?? '');
      text($('ask-yes'), yes);
      $('ask-yes').className = risky ? 'risky' : '';
      box.hidden = input === undefined;
      box.type = secret ? 'password' : 'text';
      box.placeholder = input ?? '';
      box.value = '';
      answerDialog = (isYes) => {
        answerDialog = undefined;
        if ($('ask').open) $('ask').close();
        resolve(isYes ? box.value.trim() : undefined);
      };
      if (!$('ask').open) $('ask').showModal();
      (input === undefined ? $('ask-yes') : box).focus();
    });
  $('ask-no').addEventListener('click', () => answerDialog?.(false));
  $('ask-yes').addEventListener('click', () => answerDialog?.(true));
  $('ask').addEventListener('close', () => answerDialog?.(false));
  $('ask-input').addEventListener('keydown', ({ key }) => key === 'Enter' && answerDialog?.(true));

  const useToken = (given) => {
    token = given;
    remember('sessionStorage', 'surreal-pool-token', given);
  };
  const tokenFor = (why) =>
    dialog({
      title: 'Token',
      words: why,
      yes: 'Use it',
      secret: true,
      input: 'The token of the handler',
    });
  const askForToken = async (why) => {
    const given = await tokenFor(why);
    if (given === undefined || given === '') {
      trouble = why;
      watch();
      $('key').hidden = false;
      return;
    }
    useToken(given);
    attempts = 0;
    connect();
  };

  let noteTimer;
  const tell = (words) => {
    text($('note'), words);
    clearTimeout(noteTimer);
    noteTimer = setTimeout(() => text($('note'), ''), 6000);
  };

  const act = async (name, body = {}) => {
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const response = await ask(name, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...body, pool: now.pool }),
        });
        if (response.ok) return tell(`Done: ${(await response.json()).done}.`);
        const why = (await response.text()).trim();
        if (response.status !== 401 || attempt > 0) return tell(`Not done: ${why}`);
        const given = await tokenFor(why);
        if (given === undefined || given === '') return;
        useToken(given);
      } catch {
        return tell('Not done: the server cannot be reached.');
      }
    }
  };

  const confirmed = async (name, question, body) => {
    if ((await dialog({ yes: question.title, risky: true, ...question })) !== undefined) await act(name, body);
  };
  const drain = (endpoint) =>
    endpoint.state === 'draining'
      ? act('undrain', { endpoint: endpoint.url })
      : confirmed(
          'drain',
          {
            title: `Drain ${host(endpoint.url)}`,
            words: 'It gets no new connection and no further lease; what is under way there goes on.',
          },
          { endpoint: endpoint.url },
        );
  const endLease = async (id) => {
    const reason = await dialog({
      title: `End the lease of connection #${id}`,
      words:
        'Its calls fail with LeaseReleasedError, an open transaction is rolled back, and the connection is free again.',
      yes: 'End it',
      risky: true,
      input: 'Why? The holder and the log get to read it.',
    });
    if (reason !== undefined) await act('end-lease', { connection: id, ...(reason === '' ? {} : { reason }) });
  };
  $('pause').addEventListener('click', () =>
    now.state === 'paused'
      ? act('resume')
      : confirmed('pause', {
          title: 'Pause the pool',
          words: 'It lends nothing until it is resumed; callers wait, and time out.',
        }),
  );
  $('recycle').addEventListener('click', () =>
    confirmed('recycle', {
      title: 'Recycle all connections',
      words: 'Idle ones are replaced now, lent ones at their release.',
    }),
  );
  $('key').addEventListener('click', () => askForToken('The token is kept for this tab alone, until it is closed.'));
  $('pools').addEventListener('change', ({ target }) => {
    pool = target.value;
    chosen = undefined;
    const url = new URL(location.href);
    url.searchParams.set('pool', pool);
    history.replaceState(undefined, '', url);
    attempts = 0;
    connect();
  });
  addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || chosen === undefined || $('ask').open) return;
    const list = cells.get(chosen)?.element.parentNode;
    choose(chosen);
    list?.focus();
  });

  // The theme

  const preferred = matchMedia('(prefers-color-scheme: dark)');
  const applyTheme = () => {
    const theme = remember('localStorage', 'surreal-pool-theme') || (preferred.matches ? 'dark' : 'light');
    root.dataset.theme = theme;
    const other = theme === 'dark' ? 'Light' : 'Dark';
    text($('theme'), other);
    attribute($('theme'), 'aria-label', `Use the ${other.toLowerCase()} theme`);
  };
  preferred.addEventListener('change', applyTheme);
  $('theme').addEventListener('click', () => {
    remember('localStorage', 'surreal-pool-theme', root.dataset.theme === 'dark' ? 'light' : 'dark');
    applyTheme();
  });
  applyTheme();

  // A token in the fragment is never sent to the server as a part of the address, nor kept in the history.
  const inFragment = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (inFragment !== undefined) {
    useToken(decodeURIComponent(inFragment));
    history.replaceState(undefined, '', location.pathname + location.search);
  } else token = remember('sessionStorage', 'surreal-pool-token');
  connect();
})();
