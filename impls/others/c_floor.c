/* Two networks in plain C, each written out: loops over rows that a compiler turns into vector instructions.
 *
 * Compiled twice, with -Dreal=float and -Dreal=double (-DWIDE). Inputs are feature-major, x[k][row], so that neighbouring
 * rows fill a vector. Rows are taken in blocks whose intermediates stay in the first-level cache. The equations are those of
 * on_numpy/manual.py; parameters and gradients lie in the order W1, b1, W2, b2. Any other network: c_network.h; many of them:
 * c_networks.h.
 */
#include "c_exponential.h"
#include "c_network.h"
#include "c_networks.h"

enum { INPUTS = 2, HIDDEN = 4, BLOCK = 256 };

/* ---- xor: 2-4-1, sigmoid on both layers. a = 1/(1 + t) with t = e^-z, and the slope is a(1 - a) = t a². */

static inline void hidden_layer(const Case *c, long start, long n, real a1[HIDDEN][BLOCK], real slope1[HIDDEN][BLOCK])
{
    const real *x0 = c->x + start, *x1 = x0 + c->rows, *W1 = c->parameters, *b1 = W1 + INPUTS * HIDDEN;
    for (int j = 0; j < HIDDEN; j++) {
        const real w0 = W1[j], w1 = W1[HIDDEN + j], b = b1[j];
        real *a = a1[j], *slope = slope1[j];
#pragma omp simd
        for (long i = 0; i < n; i++) {
            const real t = exponential(-(x0[i] * w0 + x1[i] * w1 + b));
            a[i] = 1 / (1 + t);
            slope[i] = t * a[i] * a[i];
        }
    }
}

static inline real output_t(const real *W2, real a1[HIDDEN][BLOCK], long i) /* e^-z2 of row i */
{
    return exponential(-(a1[0][i] * W2[0] + a1[1][i] * W2[1] + a1[2][i] * W2[2] + a1[3][i] * W2[3] + W2[HIDDEN]));
}

void xor_forward(Case *c)
{
    real W2[HIDDEN + 1], a1[HIDDEN][BLOCK], slope1[HIDDEN][BLOCK];
    memcpy(W2, c->parameters + (INPUTS + 1) * HIDDEN, sizeof W2);
    for (long start = 0; start < c->rows; start += BLOCK) {
        const long n = smaller(BLOCK, c->rows - start);
        real *a2 = c->predictions + start;
        hidden_layer(c, start, n, a1, slope1);
#pragma omp simd
        for (long i = 0; i < n; i++)
            a2[i] = 1 / (1 + output_t(W2, a1, i));
    }
}

void xor_value_and_grad(Case *c)
{
    real *dW1 = c->gradients, *db1 = dW1 + INPUTS * HIDDEN, *dW2 = db1 + HIDDEN, *db2 = dW2 + HIDDEN;
    real W2[HIDDEN + 1], a1[HIDDEN][BLOCK], slope1[HIDDEN][BLOCK], delta2[BLOCK];
    memcpy(W2, c->parameters + (INPUTS + 1) * HIDDEN, sizeof W2);
    memset(dW1, 0, ((INPUTS + 1) * HIDDEN + HIDDEN + 1) * sizeof(real));
    real loss = 0;
    for (long start = 0; start < c->rows; start += BLOCK) {
        const long n = smaller(BLOCK, c->rows - start);
        const real *x0 = c->x + start, *x1 = x0 + c->rows, *y = c->y + start, two_over_rows = (real)2 / c->rows;
        real squares = 0, sum = 0;
        hidden_layer(c, start, n, a1, slope1);
#pragma omp simd reduction(+ : squares, sum)
        for (long i = 0; i < n; i++) {
            const real t = output_t(W2, a1, i), a2 = 1 / (1 + t), error = a2 - y[i];
            squares += error * error;
            sum += delta2[i] = two_over_rows * error * (t * a2 * a2);
        }
        loss += squares;
        *db2 += sum;
        for (int j = 0; j < HIDDEN; j++) {
            const real *a = a1[j], *slope = slope1[j], w = W2[j];
            real for_W2 = 0, for_b1 = 0, for_w0 = 0, for_w1 = 0;
#pragma omp simd reduction(+ : for_W2, for_b1, for_w0, for_w1)
            for (long i = 0; i < n; i++) {
                const real delta1 = delta2[i] * w * slope[i];
                for_W2 += a[i] * delta2[i];
                for_b1 += delta1;
                for_w0 += x0[i] * delta1;
                for_w1 += x1[i] * delta1;
            }
            dW2[j] += for_W2;
            db1[j] += for_b1;
            dW1[j] += for_w0;
            dW1[HIDDEN + j] += for_w1;
        }
    }
    *c->loss = loss / c->rows;
}

/* ---- line: 1-1, no activation. a = w x + b. */

void line_forward(Case *c)
{
    const real *x = c->x, w = c->parameters[0], b = c->parameters[1];
    real *a = c->predictions;
#pragma omp simd
    for (long i = 0; i < c->rows; i++)
        a[i] = x[i] * w + b;
}

void line_value_and_grad(Case *c)
{
    const real w = c->parameters[0], b = c->parameters[1];
    real loss = 0, dw = 0, db = 0;
    for (long start = 0; start < c->rows; start += BLOCK) { /* sums of sums: the rounding grows with the blocks */
        const long n = smaller(BLOCK, c->rows - start);
        const real *x = c->x + start, *y = c->y + start;
        real squares = 0, for_w = 0, for_b = 0;
#pragma omp simd reduction(+ : squares, for_w, for_b)
        for (long i = 0; i < n; i++) {
            const real error = x[i] * w + b - y[i];
            squares += error * error;
            for_w += x[i] * error;
            for_b += error;
        }
        loss += squares;
        dw += for_w;
        db += for_b;
    }
    *c->loss = loss / c->rows;
    c->gradients[0] = 2 * dw / c->rows;
    c->gradients[1] = 2 * db / c->rows;
}

/* ---- p <- p - learning_rate * dL/dp, `steps` times */

static inline void descend(Case *c, void (*value_and_grad)(Case *), int parameters, double learning_rate, long steps)
{
    for (long step = 0; step < steps; step++) {
        value_and_grad(c);
        for (int k = 0; k < parameters; k++)
            c->parameters[k] -= (real)learning_rate * c->gradients[k];
    }
}

void xor_train(Case *c, double learning_rate, long steps)
{
    descend(c, xor_value_and_grad, (INPUTS + 1) * HIDDEN + HIDDEN + 1, learning_rate, steps);
}

void line_train(Case *c, double learning_rate, long steps) { descend(c, line_value_and_grad, 2, learning_rate, steps); }
