//! `Gemm` and `MatMul`.

use super::context::Context;
use super::elementwise::broadcast;
use crate::error::Result;

/// `alpha · A' · B' + beta · C` for matrices, each of A and B transposed if so marked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gemm {
    /// Factor of the product.
    pub alpha: f32,
    /// Factor of C.
    pub beta: f32,
    /// Whether A is stored transposed.
    pub trans_a: bool,
    /// Whether B is stored transposed: (out, in), as PyTorch's linear layers are.
    pub trans_b: bool,
}

/// Matrix product over the last two dimensions, the ones before them broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatMul;

impl Gemm {
    pub(super) fn read(context: &Context) -> Result<Self> {
        Ok(Gemm {
            alpha: context.node.float_or("alpha", 1.0)?,
            beta: context.node.float_or("beta", 1.0)?,
            trans_a: context.node.int_or("transA", 0)? != 0,
            trans_b: context.node.int_or("transB", 0)? != 0,
        })
    }

    pub(super) fn infer(&self, a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
        let (&[a0, a1], &[b0, b1]) = (a, b) else {
            return Err(format!("Gemm wants two matrices, not {a:?} and {b:?}"));
        };
        let (rows, inner) = if self.trans_a { (a1, a0) } else { (a0, a1) };
        let (inner_b, columns) = if self.trans_b { (b1, b0) } else { (b0, b1) };
        if inner == inner_b {
            Ok(vec![rows, columns])
        } else {
            Err(format!(
                "cannot multiply {rows}×{inner} by {inner_b}×{columns}"
            ))
        }
    }

    pub(super) fn inner(&self, a: &[usize]) -> usize {
        let axis = if self.trans_a { 0 } else { 1 };
        a.get(axis).copied().unwrap_or(0)
    }
}

pub(super) fn infer(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let problem = || format!("cannot multiply {a:?} by {b:?}");
    // A vector counts as a row on the left and as a column on the right, and loses that dimension.
    let (left, right) = match (a, b) {
        ([], _) | (_, []) => return Err(problem()),
        (&[inner], _) => (vec![1, inner], b.to_vec()),
        (_, &[inner]) => (a.to_vec(), vec![inner, 1]),
        _ => (a.to_vec(), b.to_vec()),
    };
    let right = if let [inner] = right[..] {
        vec![inner, 1]
    } else {
        right
    };
    let (left_batch, left_matrix) = left.split_at(left.len() - 2);
    let (right_batch, right_matrix) = right.split_at(right.len() - 2);
    if left_matrix[1] != right_matrix[0] {
        return Err(problem());
    }
    let mut dims = broadcast(left_batch, right_batch)?;
    if a.len() > 1 {
        dims.push(left_matrix[0]);
    }
    if b.len() > 1 {
        dims.push(right_matrix[1]);
    }
    Ok(dims)
}

#[cfg(test)]
mod tests {
    use super::infer;

    #[test]
    fn matrix_products() {
        assert_eq!(infer(&[2, 3], &[3, 4]).unwrap(), [2, 4]);
        assert_eq!(infer(&[5, 1, 2, 3], &[7, 3, 4]).unwrap(), [5, 7, 2, 4]);
        assert_eq!(infer(&[3], &[3, 4]).unwrap(), [4]);
        assert_eq!(infer(&[2, 3], &[3]).unwrap(), [2]);
        assert_eq!(infer(&[3], &[3]).unwrap(), [0usize; 0]);
        assert!(infer(&[2, 3], &[2, 3]).is_err());
        assert!(infer(&[], &[2]).is_err());
    }
}
