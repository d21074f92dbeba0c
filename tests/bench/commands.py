"""What commands.sh has measured: a table, JSON, and whether it is as promised."""
import json
import math
import os
import re
import statistics
import sys

SIDES = {
    'echo': 'echo',
    'sealed': 'echo, client seals',
    'vbmcd': 'vbmcd, suite 3',
    'vbmcd-17': 'vbmcd, suite 17',
    'vbmcd-reading': 'vbmcd, sensor reading',
    'ipmi_sim': 'ipmi_sim, suite 3',
    'fakebmc': 'pyghmi fakebmc, suite 3',
}


def read_results(path):
    """{(side, sessions): [figures of each round]}, and how many had failures."""
    results, failed = {}, []
    with open(path, encoding='ascii') as file:
        for line in file:
            _, side, sessions, status, *figures = line.split()
            if status != '0' and side not in ('ipmi_sim', 'fakebmc'):
                failed.append(line.strip())
            row = {name: float(value) for name, value in (word.split('=') for word in figures)}
            if row:
                results.setdefault((side, int(sessions)), []).append(row)
    return results, failed


def read_instructions(path):
    instructions = {}
    if not os.path.exists(path):
        return instructions
    with open(path, encoding='ascii') as file:
        for match in re.finditer(r'suite (\d+): (\d+) instructions, .* (\d+)', file.read()):
            instructions[match[1]] = {'request': int(match[2]), 'cryptography': int(match[3])}
    return instructions


def ratio(results, figure, one, other):
    """The median of the rounds' ratios; no number, which keeps no promise, without any."""
    rounds = zip(results.get(one, []), results.get(other, []))
    ratios = [a[figure] / b[figure] for a, b in rounds if b[figure] > 0]
    return statistics.median(ratios) if ratios else math.nan


def promises(results, instructions):
    """Name, figure, limit, whether that is the least."""
    for side in 'vbmcd', 'vbmcd-reading':
        ours = (side, 32)
        yield f'{side}: rate beside the echo', ratio(results, 'rate', ours, ('echo', 32)), 0.70, True
        yield (f'{side}: rate beside the echo whose client seals',
               ratio(results, 'rate', ours, ('sealed', 32)), 0.85, True)
        yield f'{side}: rate beside ipmi_sim', ratio(results, 'rate', ours, ('ipmi_sim', 32)), 2.2, True
        yield (f'{side}: processor for a request beside the echo',
               ratio(results, 'cpu_us', ours, ('echo', 32)), 1.6, False)
    yield ('vbmcd: median time of one session beside the echo whose client seals',
           ratio(results, 'p50_us', ('vbmcd', 1), ('sealed', 1)), 1.15, False)
    yield ('vbmcd-17: rate beside suite 3',
           ratio(results, 'rate', ('vbmcd-17', 32), ('vbmcd', 32)), 0.85, True)
    for suite, counted in instructions.items():
        yield (f'suite {suite}: instructions beside the cryptography in a loop',
               counted['request'] - counted['cryptography'], 6000, False)


def main():
    results, failed = read_results(sys.argv[1])
    instructions = read_instructions(sys.argv[2])
    rows = []
    print(f'{"":26}{"sessions":>9}{"requests/s":>12}{"p50 us":>9}{"p99 us":>9}{"CPU us":>9}')
    for side, title in SIDES.items():
        for sessions in 1, 8, 32:
            rounds = results.get((side, sessions))
            if not rounds:
                continue
            median = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
            rows.append({'side': side, 'sessions': sessions, **median})
            print(f'{title:26}{sessions:9}{median["rate"]:12.0f}{median["p50_us"]:9.1f}'
                  f'{median["p99_us"]:9.1f}{median["cpu_us"]:9.2f}')
    for suite, counted in instructions.items():
        print(f'suite {suite}: {counted["request"]} instructions for a request of 8 sessions, '
              f'{counted["cryptography"]} of the cryptography in a loop')
    is_fine = not failed
    for line in failed:
        print(f'NOT ALL ANSWERED: {line}')
    checks = []
    for name, figure, limit, is_least in promises(results, instructions):
        kept = figure >= limit if is_least else figure <= limit
        is_fine = is_fine and kept
        checks.append({'promise': name, 'figure': round(figure, 3), 'limit': limit, 'kept': kept})
        print(f'{"ok    " if kept else "BROKEN"} {name}: {figure:.2f}, '
              f'{"at least" if is_least else "at most"} {limit}')
    with open(sys.argv[3], 'w', encoding='ascii') as file:
        json.dump({'rows': rows, 'instructions': instructions, 'checks': checks}, file, indent=1)
        file.write('\n')
    print('all as promised' if is_fine else 'FAILED: below what is promised')
    return not is_fine


if __name__ == '__main__':
    sys.exit(main())
