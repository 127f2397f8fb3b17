"""The forward pass of BERT-family layers on ragged batches, on a CPU, on a GPU and in int8."""
