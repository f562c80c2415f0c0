// Draws the report's charts from the numbers in its data element, and lets its tables be sorted.
// Nothing here knows what was measured: names, values and who is better come with the data.
'use strict';
(() => {
    const root = document.documentElement;
    const status = document.body.dataset;
    const data = JSON.parse(document.getElementById('points').textContent);
    const points = ['circle', 'triangle', 'rect', 'rectRot'];
    const dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
    const labelPixels = 66; // of a percentage under an axis, and a gap
    const chosen = {panel: data.panels.map(() => 0), context: [data.context]};
    const charts = [];
    let colours;

    status.violations = 0;
    document.addEventListener('securitypolicyviolation', () => {
        status.violations = Number(status.violations) + 1;
    });

    // --- what all charts have ------------------------------------------------------------------

    function coloursRead() {
        const style = getComputedStyle(root);
        const of = (name) => style.getPropertyValue('--' + name).trim();
        colours = {
            ink: of('ink'), soft: of('soft'), grid: of('grid'), axis: of('axis'), card: of('card'),
            tie: of('tie'), sides: points.map((_, i) => of('side' + i)),
        };
        Chart.defaults.color = colours.soft;
        Chart.defaults.borderColor = colours.grid;
        Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
        Chart.defaults.font.size = 12;
    }

    Chart.defaults.animation = false;
    Chart.defaults.responsive = true;
    Chart.defaults.maintainAspectRatio = false;
    Chart.defaults.devicePixelRatio = Math.max(2, window.devicePixelRatio || 1);
    Chart.defaults.plugins.legend.display = false;

    const compact = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 1});
    const precise = new Intl.NumberFormat('en', {maximumSignificantDigits: 4});

    // The interval of a point, as a line through it with a bar at either end.
    const whiskers = {
        id: 'whiskers',
        beforeDatasetDraw(chart, {index, meta}) {
            const set = chart.data.datasets[index];
            const scale = set.along && meta[set.along === 'x' ? 'xScale' : 'yScale'];
            if (!scale) return;
            const context = chart.ctx;
            const bar = 3.5;
            context.save();
            context.lineWidth = 1.5;
            meta.data.forEach((element, i) => {
                const point = set.data[i];
                if (point.low === null || point.low === undefined) return;
                const from = scale.getPixelForValue(point.low);
                const to = scale.getPixelForValue(point.high);
                context.strokeStyle = point.colour || set.borderColor;
                context.beginPath();
                for (const [a, b] of [[from, to], [from, from], [to, to]]) {
                    const wing = a === b ? bar : 0;
                    if (set.along === 'x') {
                        context.moveTo(a, element.y - wing);
                        context.lineTo(b, element.y + wing);
                    } else {
                        context.moveTo(element.x - wing, a);
                        context.lineTo(element.x + wing, b);
                    }
                }
                context.stroke();
            });
            context.restore();
        },
    };

    Chart.register(whiskers);

    function interval(point, text) {
        return point.low === null ? '' : ` [${text(point.low)} … ${text(point.high)}]`;
    }

    // --- ratios --------------------------------------------------------------------------------

    // As report_scale() has it: percent, but from twice as much and a tenth on, times.
    const changes = [
        [(ratio) => ratio >= 2, (ratio) => '×' + precise.format(ratio)],
        [(ratio) => ratio <= 0.1, (ratio) => '÷' + precise.format(1 / ratio)],
        [() => true, (ratio) => {
            const value = (ratio - 1) * 100;
            return (value > 0 ? '+' : value < 0 ? '−' : '') + precise.format(Math.abs(value)) + ' %';
        }],
    ];
    const change = (ratio, of = ratio) => changes.find(([holds]) => holds(of))[1](ratio);
    const changeShort = (ratio) => change(Number(ratio.toPrecision(3)));

    // Ratios that are easy to read, far enough apart, out to the widest.
    function ratioTicks(widest) {
        const steps = [
            [0.015, 0.005], [0.03, 0.01], [0.06, 0.02], [0.14, 0.05], [0.28, 0.1], [0.65, 0.2],
        ];
        const found = steps.find(([reach]) => widest <= reach);
        if (!found) return [0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 100, 1000];
        const ticks = [];
        for (let i = -Math.ceil(found[0] / found[1]) - 1; i * found[1] < 1.2; i++)
            ticks.push(1 + i * found[1]);
        return ticks.filter((ratio) => ratio > 0);
    }

    // Going out from 0 to both sides, those that have room for their labels.
    function spaced(values, gap) {
        const side = (sign) => values.filter((value) => sign * value > 0)
            .sort((a, b) => sign * (a - b))
            .reduce((kept, value) =>
                sign * (value - kept[kept.length - 1]) >= gap ? kept.concat(value) : kept, [0]);
        return side(-1).reverse().concat(side(1).slice(1));
    }

    function ratioPoint(row, y) {
        if (!row.ratio) return null;
        const [value, low, high, bound, winner] = row.ratio;
        const colour = winner === null || winner < 0 ? colours.tie : colours.sides[winner];
        return {
            x: Math.log(value), y, colour, bound, winner,
            low: low === null ? null : Math.log(low), high: high === null ? null : Math.log(high),
        };
    }

    function ratioWords(row) {
        const [value, low, high, , winner] = row.ratio;
        const found = winner === null ? 'no verdict' : winner < 0 ? 'no difference detected' : '';
        const range = low === null ? '' : ` [${change(low, value)} … ${change(high, value)}]`;
        return [`${row.label}: ${change(value)}${range}`].concat(found || []);
    }

    // rows: {label, ratio}.
    function ratioChart(canvas, rows, title) {
        const set = rows.map(ratioPoint).filter(Boolean);
        const ends = set.flatMap((point) => [point.x, point.low ?? point.x, point.high ?? point.x]);
        const from = Math.min(0, ...ends), to = Math.max(0, ...ends);
        const room = Math.max(0.005, 0.12 * (to - from));
        const marks = ratioTicks(Math.exp(to - from) - 1).map(Math.log);
        canvas.parentElement.style.height = rows.length * 22 + 64 + 'px';
        return new Chart(canvas, {
            type: 'scatter',
            data: {datasets: [{
                data: set, along: 'x', borderWidth: 2, radius: 5, hoverRadius: 6,
                pointStyle: (it) => points[it.raw && it.raw.winner >= 0 ? it.raw.winner : 0],
                borderColor: (it) => it.raw && it.raw.colour,
                backgroundColor: (it) => it.raw && (it.raw.bound ? colours.card : it.raw.colour),
            }]},
            options: {
                layout: {padding: {right: 8}},
                scales: {
                    x: {
                        type: 'linear', min: from - room, max: to + room,
                        title: {display: true, text: '← less          more →'},
                        afterBuildTicks: (axis) => {
                            const seen = marks.filter((value) =>
                                value >= axis.min && value <= axis.max);
                            const gap = (axis.max - axis.min) * labelPixels / axis.chart.width;
                            axis.ticks = spaced(seen, gap).map((value) => ({value}));
                        },
                        ticks: {autoSkip: false, maxRotation: 0, callback: (value) => changeShort(Math.exp(value))},
                        grid: {
                            color: (it) => it.tick?.value === 0 ? colours.axis : colours.grid,
                            lineWidth: (it) => it.tick?.value === 0 ? 1.5 : 1,
                        },
                    },
                    y: {
                        type: 'linear', min: -0.5, max: rows.length - 0.5, reverse: true,
                        title: {display: Boolean(title), text: title},
                        afterBuildTicks: (axis) => {
                            axis.ticks = rows.map((_, value) => ({value}));
                        },
                        ticks: {autoSkip: false, callback: (i) => rows[i].label},
                        grid: {display: false},
                    },
                },
                plugins: {tooltip: {callbacks: {label: (it) => ratioWords(rows[it.raw.y])}}},
            },
        });
    }

    function pairRatios(canvas) {
        const panel = data.panels[0];
        const ratios = panel.views[chosen.panel[0]].ratios[canvas.dataset.metric];
        const labels = panel.labels.length > 1 ? [...panel.labels, 'all'] : panel.labels;
        const rows = labels.map((label, x) => ({label, ratio: ratios[canvas.dataset.index][x]}));
        return ratioChart(canvas, rows, panel.title);
    }

    function comparedRatios(canvas) {
        return ratioChart(canvas, data.compared[canvas.dataset.index], '');
    }

    // --- levels --------------------------------------------------------------------------------

    function sideStyle(side) {
        return {
            label: data.sides[side], borderColor: colours.sides[side], borderDash: dashes[side],
            borderWidth: 2, pointStyle: points[side], pointRadius: 5, pointHoverRadius: 7,
            pointBorderColor: colours.sides[side], pointBorderWidth: 2,
        };
    }

    function levelSet(levels, side, panel) {
        const set = levels.map((level, i) => level && {
            x: panel.numbers[i], y: level[0], low: level[1], high: level[2], bound: level[3],
        }).filter(Boolean);
        return {
            ...sideStyle(side), data: set, along: 'y', showLine: true, spanGaps: true,
            pointBackgroundColor: set.map((it) => it.bound ? colours.card : colours.sides[side]),
        };
    }

    // The upper end of the intervals, which are to be within the axis too.
    function highest(levels) {
        return Math.max(0, ...levels.flat().filter(Boolean).map((it) => it[2] ?? it[0]));
    }

    function levelChart(canvas) {
        const panel = data.panels[canvas.dataset.index];
        const metric = data.metrics[canvas.dataset.metric];
        const view = panel.views[chosen.panel[canvas.dataset.index]];
        const numbers = panel.numbers;
        const isLog = numbers[0] > 0 && numbers[numbers.length - 1] >= 8 * numbers[0];
        return new Chart(canvas, {
            type: 'scatter',
            data: {datasets: view.levels[canvas.dataset.metric]
                .map((levels, side) => levelSet(levels, side, panel))},
            options: {
                interaction: {mode: 'x', intersect: false},
                scales: {
                    x: {
                        type: isLog ? 'logarithmic' : 'linear',
                        title: {display: true, text: panel.title},
                        afterBuildTicks: (axis) => {
                            axis.ticks = numbers.map((value) => ({value}));
                        },
                        ticks: {
                            maxRotation: 0,
                            callback: (value) => panel.labels[numbers.indexOf(value)],
                        },
                        grid: {display: false},
                    },
                    y: {
                        beginAtZero: true,
                        suggestedMax: highest(view.levels[canvas.dataset.metric]),
                        ticks: {callback: (value) => compact.format(value).replace('K', 'k')},
                    },
                },
                plugins: {tooltip: {callbacks: {
                    title: (items) => items.length
                        ? `${panel.title} ${panel.labels[numbers.indexOf(items[0].raw.x)]}` : '',
                    label: (it) => `${it.dataset.label}: ${precise.format(it.raw.y)}` +
                        `${interval(it.raw, precise.format)} ${metric.unit}`,
                }}},
            },
        });
    }

    // --- percentiles ---------------------------------------------------------------------------

    // The axis is 1 / (1 - q), so that each step of ten is another nine.
    const exact = (above) =>
        `${Number((100 - 100 / above).toPrecision(above > 1e4 ? 8 : 6))} %`;

    function duration(ms) {
        if (ms >= 1000) return precise.format(ms / 1000) + ' s';
        return ms >= 1 ? precise.format(ms) + ' ms' : precise.format(ms * 1000) + ' µs';
    }

    // 1, 2 or 5 times a power of ten.
    const isRound = (value) => /^[125]e/.test(Number(value.toPrecision(6)).toExponential());

    function isDecade(x) {
        const power = Math.log10(x);
        return Math.abs(power - Math.round(power)) < 1e-6;
    }

    function curveSet(curve, side, bound) {
        const set = curve.filter(([, ms]) => ms > 0).map(([x, y]) => ({x, y}));
        const isFew = set.length < 10;
        return {
            ...sideStyle(side), data: set, showLine: true, clip: false,
            pointBackgroundColor: bound ? colours.card : colours.sides[side],
            pointRadius: set.map((it) => isFew || isDecade(it.x) ? 5 : 0), tension: 0,
        };
    }

    function curveChart(canvas) {
        const context = data.contexts[chosen.context[0]];
        const sets = context
            ? context.curves.map((curve, side) => curveSet(curve, side, context.bound[side])) : [];
        const all = sets.flatMap((set) => set.data);
        const furthest = Math.max(10, ...all.map((it) => it.x));
        const least = Math.min(...all.map((it) => it.y));
        return new Chart(canvas, {
            type: 'scatter',
            data: {datasets: sets},
            options: {
                interaction: {mode: 'x', intersect: false},
                scales: {
                    x: {
                        type: 'logarithmic', min: 1, max: furthest,
                        title: {display: true, text: 'percentile'},
                        afterBuildTicks: (axis) => {
                            const values = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];
                            if (axis.width > 500) values.push(2);
                            axis.ticks = values.filter((value) => value <= furthest * 1.01)
                                .sort((a, b) => a - b).map((value) => ({value}));
                        },
                        ticks: {autoSkip: false, maxRotation: 0, callback: exact},
                    },
                    y: {
                        type: 'logarithmic', min: all.length ? least * 0.8 : undefined,
                        ticks: {callback: (ms) => isRound(ms) ? duration(ms) : undefined},
                    },
                },
                plugins: {tooltip: {callbacks: {
                    title: (items) => items.length ? exact(items[0].raw.x) : '',
                    label: (it) => `${it.dataset.label}: ${duration(it.raw.y)}`,
                }}},
            },
        });
    }

    // --- all charts ----------------------------------------------------------------------------

    const kinds = {
        ratio: pairRatios, compared: comparedRatios, level: levelChart, curve: curveChart,
    };

    // A chart is drawn when one of its data's colours is on it: grid and words alone do not count.
    function isDrawn(canvas) {
        if (!canvas.width || !canvas.height) return false;
        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        const wanted = [...colours.sides, colours.tie].map((it) => parseInt(it.slice(1), 16));
        for (let i = 0; i < pixels.length; i += 4)
            if (pixels[i + 3] === 255 &&
                wanted.includes(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2])) return true;
        return false;
    }

    function draw() {
        while (charts.length) charts.pop().destroy();
        coloursRead();
        for (const canvas of document.querySelectorAll('canvas'))
            charts.push(kinds[canvas.dataset.chart](canvas));
        status.drawn = [...document.querySelectorAll('canvas')].filter(isDrawn).length;
        status.loaded = performance.getEntriesByType('resource').length;
        framesMark();
        status.overflow = Math.max(0, root.scrollWidth - window.innerWidth);
    }

    function framesMark() {
        for (const frame of document.querySelectorAll('.frame'))
            frame.classList.toggle('wide', frame.scrollWidth > frame.clientWidth + 1);
    }

    // Choices of the same thing stand in several places and move together.
    function choicesFill(kind, names) {
        const selector = `select[data-${kind}]`;
        for (const select of document.querySelectorAll(selector)) {
            const index = Number(select.dataset[kind]);
            const list = names(index);
            list.forEach((name, i) => select.append(new Option(name, i)));
            select.value = chosen[kind][index];
            select.closest('.choice').hidden = list.length < 2;
            select.addEventListener('change', () => {
                chosen[kind][index] = Number(select.value);
                for (const other of document.querySelectorAll(selector))
                    if (Number(other.dataset[kind]) === index) other.value = select.value;
                draw();
            });
        }
    }

    // --- tables --------------------------------------------------------------------------------

    function keyOf(row, column) {
        const cell = row.cells[column];
        return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
    }

    function compare(a, b) {
        if (typeof a === 'number' && typeof b === 'number') return a - b;
        return String(a).localeCompare(String(b), 'en', {numeric: true});
    }

    function sortBy(table, heading, column) {
        const isDown = heading.getAttribute('aria-sort') === 'ascending';
        for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
        heading.setAttribute('aria-sort', isDown ? 'descending' : 'ascending');
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => compare(keyOf(a, column), keyOf(b, column)) * (isDown ? -1 : 1));
        table.tBodies[0].append(...rows);
    }

    const buttons = [];
    for (const table of document.querySelectorAll('table.sortable'))
        [...table.tHead.rows[0].cells].forEach((heading, column) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.append(...heading.childNodes);
            heading.append(button);
            button.addEventListener('click', () => sortBy(table, heading, column));
            buttons.push([heading, button]);
        });

    // A table's head is repeated on every page that it reaches, but buttons in it are not.
    function buttonsShow(are) {
        for (const [heading, button] of buttons)
            if (are) {
                button.append(...heading.childNodes);
                heading.append(button);
            } else {
                heading.replaceChildren(...button.childNodes);
            }
    }

    // --- begin, and what changes later ---------------------------------------------------------

    function paper(is) {
        root.classList.toggle('paper', is);
        buttonsShow(!is);
        draw();
    }

    choicesFill('panel', (i) => data.panels[i].views.map((view) => view.name));
    choicesFill('context', () => data.contexts.map((context) => context.name));
    draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    window.addEventListener('resize', framesMark);
    window.addEventListener('beforeprint', () => paper(true));
    window.addEventListener('afterprint', () => paper(false));
})();
