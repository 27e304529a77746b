"""Asks a real AWS sandbox account what no documentation says, and prints the simulator's switches.

    pip install 'boto3>=1.44.5'
    python3 scripts/sandbox --region us-east-1                      # what it would do, and the cost
    python3 scripts/sandbox --region us-east-1 --account 111122223333 --yes-this-costs
    python3 scripts/sandbox … --organization --target 222233334444  # from a management account

Use an account that nobody works in: while it runs, guardrails are enforced on every model call in
the Region. Everything it makes is named `bedrail-sandbox-…`, is taken away at the end whatever
happens, and what could not be is listed; `--sweep` takes away what a run that was killed left.

The last lines are the switches for a scenario of `bedrail simulator`. Exit code: 0 if every question
asked has an answer, 3 if some have none, 1 if something was left behind.
"""

import argparse
import json
import sys

import guardrails  # noqa: F401  Each of these registers its questions.
import inference  # noqa: F401
import organization  # noqa: F401
from sandbox import QUESTIONS, Sandbox, Unanswered


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/sandbox", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--yes-this-costs", action="store_true", help="do it, at the cost shown")
    parser.add_argument("--account", help="the account this must be; needed to do anything")
    parser.add_argument("--organization", action="store_true",
                        help="ask about organization policies too: from the management account")
    parser.add_argument("--target", metavar="ACCOUNT",
                        help="a member account without workloads that policies may be attached to")
    parser.add_argument("--model", default="amazon.nova-micro-v1:0", help="the model that is called")
    parser.add_argument("--only", metavar="N,N", help="only these questions")
    parser.add_argument("--patience", type=float, default=600, metavar="SECONDS",
                        help="how long to wait for AWS at each step")
    parser.add_argument("--sweep", action="store_true", help="take away what earlier runs left")
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    return parser.parse_args()


def chosen(options):
    """The questions to ask, in the order of their numbers but for what must come first."""
    only = {int(it) for it in options.only.split(",")} if options.only else None
    asked = [it for it in QUESTIONS if only is None or it.number in only]
    return [it for it in asked
            if (options.organization or not it.of_organization)
            and (options.target or not it.needs_target)]


def show_plan(questions):
    for question in questions:
        print(f"{question.number:>3}. {question.title}\n     makes: {question.makes}\n"
              f"     costs: {question.costs}")
    print("\nAll together: less than 0.10 USD at list prices of 2026. Nothing was done: that needs "
          "--account ACCOUNT --yes-this-costs")


def ask(sandbox, questions):
    """Asks all; one that fails does not keep the others from being asked."""
    for question in questions:
        try:
            answer = question.ask(sandbox)
            found = {"number": question.number, "title": question.title,
                     "answer": answer.text, "switches": answer.switches}
        except Unanswered as why:
            found = {"number": question.number, "title": question.title, "unanswered": str(why)}
        except Exception as error:  # Whatever AWS does, the next question is asked.
            found = {"number": question.number, "title": question.title,
                     "unanswered": f"{type(error).__name__}: {error}"}
        finally:
            sandbox.clean_up()
        print(f"{found['number']:>3}. {found.get('answer') or 'NO ANSWER: ' + found['unanswered']}",
              file=sys.stderr)
        yield found


def main():
    options = arguments()
    questions = chosen(options)
    if not options.yes_this_costs:
        show_plan(questions)
        return 0
    sandbox = Sandbox(options)
    if sandbox.account != options.account:
        sys.exit(f"these are credentials of {sandbox.account}; --account says {options.account}")
    if options.sweep:
        left = sandbox.sweep()
        print("\n".join(f"left behind: {it}" for it in left) or "nothing is left")
        return 1 if left else 0
    if sandbox.is_enforced():
        sys.exit(f"a guardrail is enforced in {sandbox.account} {options.region} already: this is "
                 "no sandbox, or an earlier run was killed (--sweep)")
    found = []
    try:
        found.extend(ask(sandbox, questions))
    finally:
        sandbox.clean_up()
        left = sandbox.left_behind()
    switches = {name: value for it in found for name, value in it.get("switches", {}).items()}
    switches |= sandbox.measured()
    if options.output == "json":
        print(json.dumps({"account": sandbox.account, "region": options.region, "answers": found,
                          "switches": switches, "leftBehind": left}, indent=2))
    else:
        for it in found:
            print(f"{it['number']:>3}. {it['title']}\n     "
                  f"{it.get('answer') or 'no answer: ' + it['unanswered']}")
        print("".join(f"left behind: {it}\n" for it in left), end="")
        print(f"switches: {json.dumps(switches)}")
    if left:
        return 1
    return 3 if any("unanswered" in it for it in found) else 0


if __name__ == "__main__":
    sys.exit(main())
