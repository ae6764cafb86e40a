"""How good a painted picture is: measures, what they are taken against, and the evaluator."""
