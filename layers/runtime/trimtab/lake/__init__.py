"""The profile of data that live in a lake, made where they lie: by Spark, with the same code as a drop's."""
